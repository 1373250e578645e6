internal import Bytes
internal import Targets

/// One structure in memory, fetched in one go where that can be done: its members are then read
/// without asking memory again. Where a page of it is missing, the members on the others can still
/// be read.
struct StructureImage<Member: StructureMember>: Sendable {
  let address: VirtualAddress
  let layout: StructureLayout<Member>
  private let memory: VirtualMemory
  /// Empty if not all of it could be fetched.
  private let bytes: ByteView

  init(_ layout: StructureLayout<Member>, at address: VirtualAddress, in memory: VirtualMemory) {
    self.address = address
    self.layout = layout
    self.memory = memory
    do throws(MemoryFault) {
      bytes = try memory.read(address, count: min(layout.byteCount, Self.sizeLimit))
    } catch {
      // Each member's own read will tell what is missing.
      bytes = .empty
    }
  }

  /// No structure of the kernel's comes near this.
  private static var sizeLimit: UInt64 { 1 << 16 }

  /// The number in `member`, without sign.
  func unsigned(_ member: Member) throws(StructureError) -> UInt64 {
    try unsigned(layout.place(of: member), member)
  }

  /// The number in `member` with its sign.
  func signed(_ member: Member) throws(StructureError) -> Int64 {
    let place = try layout.place(of: member)
    let value = try unsigned(place, member)
    let unused = 64 - 8 * place.byteCount
    return Int64(bitPattern: value << unused) >> Int64(unused)
  }

  /// The number in `member`; nil if this kernel has no such member.
  func unsignedIfThere(_ member: Member) throws(StructureError) -> UInt64? {
    guard let place = layout[member] else { return nil }
    return try unsigned(place, member)
  }

  /// What the pointer in `member` holds; nil if it is null.
  func pointer(_ member: Member) throws(StructureError) -> VirtualAddress? {
    let value = try unsigned(member)
    return value == 0 ? nil : VirtualAddress(value)
  }

  /// Where `member` lies.
  func address(of member: Member) throws(StructureError) -> VirtualAddress {
    address &+ (try layout.place(of: member)).offset
  }

  /// The text in the character array `member`, up to its NUL or the array's end.
  func text(_ member: Member) throws(StructureError) -> String {
    let place = try layout.place(of: member)
    let text = try view(place, count: min(place.byteCount, 256)).copy()
    return String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// The word `index` of the array `member`.
  func word(_ index: UInt64, of member: Member) throws(StructureError) -> UInt64 {
    let place = try layout.place(of: member)
    guard index < place.byteCount / 8 else {
      throw .wrongType(wanted: "element \(index)", address: address &+ place.offset)
    }
    return try load(MemberPlace(offset: place.offset + 8 * index, byteCount: 8))
  }

  /// All words of the array `member`, of which no node has many.
  func words(of member: Member) throws(StructureError) -> [UInt64] {
    let count = min((try layout.place(of: member)).byteCount / 8, 64)
    var words: [UInt64] = []
    words.reserveCapacity(Int(count))
    for index in 0..<count { words.append(try word(index, of: member)) }
    return words
  }

  private func unsigned(
    _ place: MemberPlace, _ member: Member
  ) throws(StructureError) -> UInt64 {
    guard (1...8).contains(place.byteCount) else {
      throw .wrongType(wanted: "number", address: address &+ place.offset)
    }
    return try load(place)
  }

  private func load(_ place: MemberPlace) throws(StructureError) -> UInt64 {
    let view = try view(place, count: place.byteCount)
    do throws(ByteError) {
      switch place.byteCount {
      case 1: return UInt64(try view.load(UInt8.self, at: 0))
      case 2: return UInt64(try view.load(UInt16.self, at: 0))
      case 4: return UInt64(try view.load(UInt32.self, at: 0))
      case 8: return try view.load(UInt64.self, at: 0)
      default: break
      }
    } catch {
      throw .wrongType(wanted: "number", address: address &+ place.offset)
    }
    throw .wrongType(wanted: "number", address: address &+ place.offset)
  }

  private func view(_ place: MemberPlace, count: UInt64) throws(StructureError) -> ByteView {
    let there = bytes.clampedSubview(at: place.offset, count: count)
    if UInt64(there.count) == count { return there }
    do throws(MemoryFault) {
      return try memory.read(address &+ place.offset, count: count)
    } catch {
      throw .memory(error)
    }
  }
}
