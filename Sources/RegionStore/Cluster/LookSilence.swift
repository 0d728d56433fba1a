/// Whether PostgreSQL says nothing at all, as looks at it tell: its machine hangs, or the way to it.
///
/// *Heard* → (a look is not answered for ``ticksMax``) → *silent* → (anything is answered, or a look fails at once) → *heard*. Ticks are counted,
/// not time: while this process stands still itself, nobody could have been heard.
struct LookSilence: Sendable {
  private(set) var isSilent = false
  /// Since the look under way began; `nil` between two.
  private var ticks: Int?

  static let tick = Duration.milliseconds(250)
  static let ticksMax = 20
  /// A look that fails sooner was told so: who is there knows that there is nobody.
  private static let promptTicks = 4

  mutating func began() { ticks = 0 }

  mutating func passed() {
    guard let count = ticks else { return }
    ticks = count + 1
    if count + 1 >= Self.ticksMax { isSilent = true }
  }

  mutating func ended(answered: Bool) {
    if answered || (ticks ?? 0) < Self.promptTicks { isSilent = false }
    ticks = nil
  }

  /// By somebody else than the look.
  mutating func heard() {
    isSilent = false
    ticks = ticks.map { _ in 0 }
  }
}
