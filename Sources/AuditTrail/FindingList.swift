/// Findings in the order they were made, of each kind at most ``VerificationReport/findingCountMax``: a log where everything is
/// wrong must not fill memory.
package struct FindingList {
  package private(set) var kept: [Finding] = []
  package private(set) var leftOutCount = 0
  private var counts: [String: Int] = [:]

  package init() {}

  package mutating func add(_ finding: Finding) {
    counts[finding.code, default: 0] += 1
    if counts[finding.code, default: 0] <= VerificationReport.findingCountMax {
      kept.append(finding)
    } else {
      leftOutCount += 1
    }
  }
}
