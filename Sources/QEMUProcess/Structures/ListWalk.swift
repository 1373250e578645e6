import Bytes
import Targets

/// The elements of one of QEMU's linked lists, and why the walk ended if not at the list's end.
struct ListWalk: Sendable {
  var elements: [TypedAddress] = []
  var problem: String?

  /// More elements than any list of QEMU's has that is followed here.
  static let limit = 1 << 16

  /// Follows the list whose head is at `head` (include/qemu/queue.h): its `first` member points at
  /// the first element, and each element's `link` at the next.
  init(head: TypedAddress, first: String, link: String) {
    do throws(StructureError) {
      try follow(from: try head.member(first).pointee(), link: link)
    } catch {
      problem = "\(error)"
    }
  }

  private mutating func follow(from start: TypedAddress?, link: String) throws(StructureError) {
    var next = start
    var seen: Set<VirtualAddress> = []
    while let element = next {
      guard seen.insert(element.address).inserted else {
        problem = "the list leads back to \(element.address)"
        return
      }
      guard elements.count < Self.limit else {
        problem = "the list has more than \(Self.limit) elements"
        return
      }
      // Read the link before the element counts: one that can't be read is no element.
      let following = try element.member(link).pointee()
      elements.append(element)
      next = following
    }
  }
}
