import ArgumentParser

/// `30s`, `5m` or `1h`.
struct Interval: ExpressibleByArgument {
  let duration: Duration

  init?(argument: String) {
    guard let unit = argument.last, let number = Int(argument.dropLast()), (1...100_000).contains(number),
      argument.utf8.allSatisfy({ $0 != 0x2b && $0 != 0x2d })
    else { return nil }
    switch unit {
    case "s": duration = .seconds(number)
    case "m": duration = .seconds(number * 60)
    case "h": duration = .seconds(number * 3_600)
    default: return nil
    }
  }

  var defaultValueDescription: String { "\(duration / .seconds(1))s" }
}
