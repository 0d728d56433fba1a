import Foundation
import PolicyEngine
import Residency

/// The benchmark's requests decided by Cedar, where its binding for Python is installed.
struct CedarBench {
  let seed: UInt64
  let requestCount: Int

  enum Result {
    /// Nanoseconds a decision, policies and entities being parsed already; the answers were Domicile's.
    case measured(nanoseconds: Double)
    case missing(String)
  }

  func run() -> Result {
    let set = PolicyBenchSet(ruleCount: 1_000, seed: seed)
    let requests = PolicyBenchSet.requests(requestCount, seed: seed &+ 1)
    do {
      let policies = try set.policies()
      guard let table = DecisionTable(policies, on: PolicyBenchSet.day ?? PolicyInputs.today()) else {
        return .missing("the policies ask for more than its requests tell")
      }
      var matched = table.empty
      let expected = requests.map { table.decide($0, matched: &matched).effect == .permit }
      let input: JSONValue = [
        "policies": .string(set.cedar), "requests": .array(requests.map(Self.request)),
        "expected": .array(expected.map(JSONValue.bool)),
      ]
      let output = try python(input.canonicalText)
      guard let nanoseconds = Double(output.trimmingCharacters(in: .whitespacesAndNewlines)) else {
        return .missing(output.split(separator: "\n").last.map(String.init) ?? "python3 said nothing")
      }
      return .measured(nanoseconds: nanoseconds)
    } catch {
      return .missing("\(error)")
    }
  }

  private static func request(_ words: DecisionTable.Words) -> JSONValue {
    func jurisdiction(_ region: String) -> JSONValue { .string(String(region.prefix(2)).uppercased()) }
    return [
      "principal": "User::\"somebody\"", "action": .string("Action::\"\(words.action.rawValue)\""), "resource": "Record::\"one\"",
      "context": [
        "home": jurisdiction(words.home), "requester": jurisdiction(words.requester), "data_class": .string(words.dataClass),
        "purpose": .string(words.purpose), "consent": .string(words.consent?.rawValue ?? "none"),
      ],
    ]
  }

  /// - Returns: what the script printed: the time, or what is the matter.
  private func python(_ input: String) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appending(path: "domicile-cedar-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "input.json")
    try Data(input.utf8).write(to: file)
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", Self.script, file.path]
    process.standardInput = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: output, as: UTF8.self)
  }

  private static let script = """
    import json, sys, time
    try:
        import cedarpy
    except ImportError:
        sys.exit("cedarpy is not installed (pip install cedarpy)")
    data = json.load(open(sys.argv[1]))
    policies = cedarpy.PolicySet.from_str(data["policies"])
    entities = cedarpy.Entities.from_json_str("[]")
    times = []
    for _ in range(5):
        start = time.perf_counter()
        answers = cedarpy.is_authorized_batch(data["requests"], policies, entities)
        times.append((time.perf_counter() - start) / len(answers))
    wrong = [i for i, (a, e) in enumerate(zip(answers, data["expected"])) if a.allowed != e]
    if wrong:
        sys.exit(f"Cedar decides {len(wrong)} requests otherwise, the first: {data['requests'][wrong[0]]}")
    print(sorted(times)[2] * 1e9)
    """
}
