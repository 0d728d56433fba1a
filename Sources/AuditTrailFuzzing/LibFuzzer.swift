#if LIBFUZZER
  import Foundation

  /// The door through which libFuzzer comes in. What it feeds is named by the environment: `DOMICILE_FUZZ_TARGET`.
  private let target = FuzzTarget(rawValue: ProcessInfo.processInfo.environment["DOMICILE_FUZZ_TARGET"] ?? "")
  private let fuzzing = Result { try Fuzzing() }

  /// Writes the target's samples into the folder `DOMICILE_FUZZ_SAMPLES`.
  @_cdecl("LLVMFuzzerInitialize")
  public func initialize(_ count: UnsafeMutableRawPointer, _ arguments: UnsafeMutableRawPointer) -> Int32 {
    do {
      guard let target else { throw BrokenClaim("no target: \(FuzzTarget.allCases.map(\.rawValue))") }
      let samples = try fuzzing.get().samples(of: target)
      guard let folder = ProcessInfo.processInfo.environment["DOMICILE_FUZZ_SAMPLES"] else { return 0 }
      for (number, sample) in samples.enumerated() { try Data(sample).write(to: URL(filePath: "\(folder)/sample-\(number)")) }
    } catch {
      preconditionFailure("\(error)")
    }
    return 0
  }

  @_cdecl("LLVMFuzzerTestOneInput")
  public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    guard let target, case .success(let fuzzing) = fuzzing else { return -1 }
    do throws(BrokenClaim) {
      try fuzzing.check(target, Array(UnsafeBufferPointer(start: start, count: count)))
    } catch {
      FileHandle.standardError.write(Data("\(target.rawValue): \(error)\n".utf8))
      abort()
    }
    return 0
  }
#endif
