extension LinearizabilityVerdict: Encodable {
  private enum Member: String, CodingKey { case linearizable, operations, keys }

  /// The verdict for machines. Operations are named by the index of their invocation.
  package func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: Member.self)
    try members.encode(isLinearizable, forKey: .linearizable)
    let outcomes = HistoryOperation.Outcome.allCases.map { ($0.rawValue, count(of: $0)) }
    try members.encode(Dictionary(uniqueKeysWithValues: outcomes), forKey: .operations)
    try members.encode(keys, forKey: .keys)
  }
}

extension KeyVerdict: Encodable {
  private enum Member: String, CodingKey {
    case key, verdict, states, violation
    case statesMax = "states_max"
  }

  package func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: Member.self)
    try members.encode(key, forKey: .key)
    try members.encode(stateCount, forKey: .states)
    switch answer {
    case .linearizable: try members.encode("linearizable", forKey: .verdict)
    case .violation(let violation):
      try members.encode("violation", forKey: .verdict)
      try members.encode(violation, forKey: .violation)
    case .undecided(.statesExceeded(let limit)):
      try members.encode("undecided", forKey: .verdict)
      try members.encode(limit, forKey: .statesMax)
    }
  }
}

extension LinearizabilityViolation: Encodable {
  private enum Member: String, CodingKey {
    case order, value, blocked
    case acknowledgedCount = "acknowledged"
  }

  package func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: Member.self)
    try members.encode(acknowledgedCount, forKey: .acknowledgedCount)
    try members.encode(order.map(\.invocation.index), forKey: .order)
    try members.encode(value, forKey: .value)
    try members.encode(blocked, forKey: .blocked)
  }
}

extension LinearizabilityViolation.Blocked: Encodable {
  private enum Member: String, CodingKey { case index, process, operation, needs, writers }

  package func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: Member.self)
    try members.encode(operation.invocation.index, forKey: .index)
    try members.encode(operation.process, forKey: .process)
    try members.encode(operation.action.description, forKey: .operation)
    try members.encode(needs, forKey: .needs)
    try members.encode(writers.map(\.invocation.index), forKey: .writers)
  }
}
