/// Findings in the order they were made, of each kind at most ``VerificationReport/findingCountMax``: a log where everything is
/// wrong must not fill memory.
struct FindingList {
  private(set) var kept: [Finding] = []
  private(set) var leftOutCount = 0
  private var counts: [String: Int] = [:]

  mutating func add(_ finding: Finding) {
    counts[finding.code, default: 0] += 1
    if counts[finding.code, default: 0] <= VerificationReport.findingCountMax {
      kept.append(finding)
    } else {
      leftOutCount += 1
    }
  }
}
