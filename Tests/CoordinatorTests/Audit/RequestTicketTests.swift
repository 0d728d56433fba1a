import AuditTrail
import Testing

@testable import Coordinator

/// What becomes of a request's number, once everything that was done for the request is over.
@Suite struct RequestTicketTests {
  private let numbering = RequestNumbering()

  /// Takes a ticket, does something with it, and gives it back.
  private func request(_ body: (RequestTicket) -> Void) {
    body(RequestTicket(numbering))
  }

  @Test func `a number that has no leaf is accounted for, by why that is so`() throws {
    request { _ in }
    #expect(numbering.account == nil, "what is about nobody has no number")
    request { #expect($0.number() == 1) }
    request { #expect($0.record() == 2) }
    request { ticket in
      #expect(ticket.record() == 3)
      ticket.fail()
    }
    request { $0.fail() }
    #expect(numbering.isIdle)
    let account = try #require(numbering.account)
    #expect(account.through == 4)
    #expect(account.passed == NumberRanges(1...1))
    #expect(account.failed == NumberRanges(3...4))
    numbering.settle(account)
    #expect(numbering.account == nil)
  }

  @Test func `a request that goes on is not accounted for, nor is any after it`() throws {
    let open = RequestTicket(numbering)
    #expect(open.number() == 1 && open.number() == 1)
    request { $0.number() }
    #expect(!numbering.isIdle && numbering.account == nil)
    withExtendedLifetime(open) {}
  }
}
