internal import Bytes
internal import Targets

/// A VMCOREINFO whose own page tables confirm it.
struct VMCoreInfoClaim {
  /// The two places where a kernel keeps the text.
  enum Form: Hashable {
    case note, page
  }

  let info: VMCoreInfo
  let bytes: ByteView
  let address: PhysicalAddress
  let form: Form
  var evidence: [String]
  /// How many CPUs see the same kernel, and how many could tell.
  let agreeing: Int
  let telling: Int

  /// Whether both describe the same kernel at the same place.
  func isSameKernel(as other: VMCoreInfoClaim) -> Bool {
    info.release == other.info.release
      && info.symbol("init_uts_ns") == other.info.symbol("init_uts_ns")
      && info.number("phys_base") == other.info.number("phys_base")
  }
}

/// Bytes that may be VMCOREINFO, cut out of memory.
///
///     0      4       8      12                    24
///     namesz descsz  type   "VMCOREINFO\0" \0     text …
///     11     n       0
///
/// is the note, at the start of a page; the kernel's other copy is the text alone, at the start of
/// a page.
struct VMCoreInfoPlace {
  let bytes: ByteView
  let form: VMCoreInfoClaim.Form

  /// `VMCOREINFO_BYTES`: one page.
  static let limit: UInt64 = 4096
  private static let noteHeader: UInt64 = 24
  /// Where in a page the text begins: of the copy, and of the note.
  static let offsets: [UInt64] = [0, noteHeader]
  private static let owner = Array("VMCOREINFO".utf8) + [0]

  init(_ memory: PhysicalMemory, at address: PhysicalAddress) throws(RejectedVMCoreInfo) {
    switch address.rawValue % 4096 {
    case 0:
      let page = try Self.read(memory, address, Self.limit, claim: address)
      bytes = page.clampedSubview(
        at: 0, count: UInt64(page.copy().firstIndex(of: 0) ?? page.count))
      form = .page
    case Self.noteHeader:
      let size = try Self.noteSize(memory, claim: address)
      bytes = try Self.read(memory, address, size, claim: address)
      form = .note
    default:
      throw RejectedVMCoreInfo(
        address: address, reason: "neither at the start of a page nor behind a note's header")
    }
  }

  private static func read(
    _ memory: PhysicalMemory, _ address: PhysicalAddress, _ count: UInt64, claim: PhysicalAddress
  ) throws(RejectedVMCoreInfo) -> ByteView {
    do throws(PhysicalFault) {
      return try memory.read(address, count: count)
    } catch {
      throw RejectedVMCoreInfo(address: claim, reason: "\(error)")
    }
  }

  /// The size of the descriptor at `claim`, by the header in front of it.
  private static func noteSize(
    _ memory: PhysicalMemory, claim: PhysicalAddress
  ) throws(RejectedVMCoreInfo) -> UInt64 {
    let header = try read(memory, claim &- noteHeader, noteHeader, claim: claim)
    var cursor = ByteCursor(header)
    var size: UInt64 = 0
    var isNote = false
    do throws(ByteError) {
      let nameSize = try cursor.read(UInt32.self)
      size = UInt64(try cursor.read(UInt32.self))
      let type = try cursor.read(UInt32.self)
      let name = try cursor.readBytes(UInt64(owner.count)).copy()
      isNote = nameSize == owner.count && type == 0 && name == owner
    } catch {
      throw RejectedVMCoreInfo(address: claim, reason: "\(error)")
    }
    guard isNote else {
      throw RejectedVMCoreInfo(address: claim, reason: "no note's header stands in front of it")
    }
    guard size > 0, size <= limit else {
      throw RejectedVMCoreInfo(address: claim, reason: "a note of \(size) bytes")
    }
    return size
  }
}
