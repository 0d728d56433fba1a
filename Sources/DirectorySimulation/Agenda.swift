/// What will happen, earliest first; what was added first of the same time. A binary heap.
struct Agenda<Item> {
  private struct Entry {
    let time: Int
    let order: Int
    let item: Item

    func isBefore(_ other: Entry) -> Bool { (time, order) < (other.time, other.order) }
  }

  private var heap: [Entry] = []
  private var added = 0

  mutating func add(_ item: Item, at time: Int) {
    added += 1
    heap.append(Entry(time: time, order: added, item: item))
    var child = heap.count - 1
    while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// Takes the earliest item, if it is not later than `limit`.
  mutating func next(until limit: Int) -> (time: Int, item: Item)? {
    guard let first = heap.first, first.time <= limit else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      let children = (2 * parent + 1)..<min(2 * parent + 3, max(heap.count, 2 * parent + 1))
      guard let least = children.min(by: { heap[$0].isBefore(heap[$1]) }), heap[least].isBefore(heap[parent]) else { break }
      heap.swapAt(parent, least)
      parent = least
    }
    return (first.time, first.item)
  }
}
