/// A `log_buf` that is written as kernels up to 5.9 write theirs (`log_store()`,
/// kernel/printk/printk.c).
public struct PrintkBufferWorld: Sendable {
  public struct Record: Hashable, Sendable {
    public var sequence: UInt64
    public var nanoseconds: UInt64
    public var level: UInt8
    public var text: String
    public var dictionary: String
  }

  public static let address: UInt64 = 0xffff_8880_0100_0000

  public let hasCaller: Bool
  public private(set) var bytes: [UInt8]
  public private(set) var first = 0
  public private(set) var next = 0
  public private(set) var firstSequence: UInt64 = 0
  private var nextSequence: UInt64 = 0
  private var records: [(start: Int, record: Record)] = []

  public init(size: Int = 1024, hasCaller: Bool = false) {
    self.hasCaller = hasCaller
    bytes = Array(repeating: 0, count: size)
  }

  private var header: Int { hasCaller ? 20 : 16 }
  public var expected: [Record] { records.map(\.record) }

  private func length(at index: Int) -> Int { Int(bytes[index + 8]) | Int(bytes[index + 9]) << 8 }

  /// `log_has_space`
  private func hasSpace(_ size: Int) -> Bool {
    let free =
      next > first || records.isEmpty ? max(bytes.count - next, first) : first - next
    // The header of the mark that the next record is at the start must fit, too.
    return free >= size + header
  }

  public mutating func log(_ text: String, level: UInt8 = 6, dictionary: String = "") {
    let content = Array(text.utf8) + Array(dictionary.utf8)
    let size = (header + content.count + 3) & ~3
    while !records.isEmpty, !hasSpace(size) {
      // `log_next`
      records.removeFirst()
      first = records.first?.start ?? next
      firstSequence += 1
    }
    if next + size + header > bytes.count {
      // A record of no length: go on at the start.
      bytes.replaceSubrange(next..<next + header, with: [UInt8](repeating: 0, count: header))
      next = 0
      if records.isEmpty { first = 0 }
    }
    let record = Record(
      sequence: nextSequence, nanoseconds: 1_000_000 * (nextSequence + 1), level: level,
      text: text, dictionary: dictionary)
    nextSequence += 1
    var assembler = ByteAssembler()
    assembler.number(record.nanoseconds)
    assembler.number(UInt16(size))
    assembler.number(UInt16(text.utf8.count))
    assembler.number(UInt16(dictionary.utf8.count))
    assembler.u8(0)
    assembler.u8(level << 5 | 2)
    if hasCaller { assembler.number(UInt32(0x8000_0001)) }
    assembler.append(content)
    assembler.pad(to: 4)
    bytes.replaceSubrange(next..<next + size, with: assembler.bytes)
    records.append((next, record))
    next += size
  }

  /// Where the record `index` of `expected` begins.
  public func start(of index: Int) -> Int { records[index].start }

  public func memory(patching patches: [Int: [UInt8]] = [:]) -> SparseMemory {
    var patched = bytes
    for (offset, patch) in patches {
      patched.replaceSubrange(offset..<offset + patch.count, with: patch)
    }
    var memory = SparseMemory()
    memory.write(patched, at: Self.address)
    return memory
  }

  /// The lines of VMCOREINFO that describe the records.
  public static func vmcoreInfo(hasCaller: Bool) -> String {
    """
    SIZE(printk_log)=\(hasCaller ? 20 : 16)
    OFFSET(printk_log.ts_nsec)=0
    OFFSET(printk_log.len)=8
    OFFSET(printk_log.text_len)=10
    OFFSET(printk_log.dict_len)=12

    """ + (hasCaller ? "OFFSET(printk_log.caller_id)=16\n" : "")
  }
}
