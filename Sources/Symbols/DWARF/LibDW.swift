import Bytes
import CElfutils

/// An ELF image opened by libelf and libdw, and what keeps its bytes alive.
///
/// libdw 0.188 isn't safe to use from several threads at once, and neither are the entries that it
/// gives: a `LibDW` and everything made from it must stay under one lock.
///
/// This file, `LibDWEntry` and `LibDWExpressions` are the only ones of this room that touch libdw's
/// pointers. All of those pointers lead into the image or into memory that libdw frees in
/// `dwarf_end`; each value that holds one also holds its `LibDW`.
@safe
final class LibDW {
  /// The image's bytes; libelf reads them in place.
  private let image: ByteView
  /// A writable copy of the image, if it has compressed sections: libelf updates the section
  /// headers in place when it decompresses.
  private let writableCopy: UnsafeMutableRawBufferPointer?
  private let elf: OpaquePointer
  let handle: OpaquePointer
  /// What dwz moved common parts into, or an empty stand-in for it.
  let alternate: LibDW?
  /// What the module is called in messages.
  let name: String
  /// Numbers each handle: the module's own is 0, the alternate's 1, those of split units follow.
  private var handleNumbers: [UInt: UInt64]
  private var handles: [OpaquePointer]
  /// DWARF 4's type units stand in a section of their own, with offsets of their own.
  let hasTypesSection: Bool

  init(image: ByteView, alternate: LibDW?, name: String) throws(SymbolError) {
    elf_version(UInt32(EV_CURRENT))
    var copy: UnsafeMutableRawBufferPointer?
    var opened: OpaquePointer?
    // Safe: `image` outlives the handle, as this object holds both; the cast away from const is
    // libelf's signature, it writes only to images with compressed sections, which are copied.
    unsafe image.withUnsafeBytes { buffer in
      let characters = unsafe UnsafeMutableRawPointer(mutating: buffer.baseAddress)
      unsafe opened = elf_memory(characters?.assumingMemoryBound(to: CChar.self), buffer.count)
      if let first = unsafe opened, unsafe Self.hasCompressedSections(first) {
        unsafe elf_end(first)
        let writable = UnsafeMutableRawBufferPointer.allocate(
          byteCount: buffer.count, alignment: 16)
        unsafe writable.copyMemory(from: buffer)
        unsafe copy = writable
        unsafe opened = elf_memory(
          writable.baseAddress?.assumingMemoryBound(to: CChar.self), writable.count)
      }
    }
    guard let elf = unsafe opened else {
      unsafe copy?.deallocate()
      throw .malformed(what: "ELF image of \(name)", offset: 0, reason: Self.elfMessage())
    }
    guard let handle = unsafe dwarf_begin_elf(elf, DWARF_C_READ, nil) else {
      let code = dwarf_errno()
      unsafe elf_end(elf)
      unsafe copy?.deallocate()
      if code == Self.noDWARFCode { throw .noDebugInformation(file: name) }
      throw .malformed(
        what: "debug information of \(name)", offset: 0, reason: Self.message(code))
    }
    self.image = image
    unsafe writableCopy = copy
    unsafe self.elf = elf
    unsafe self.handle = handle
    self.alternate = alternate
    self.name = name
    unsafe hasTypesSection = Self.findSection(".debug_types", in: elf) != nil
    unsafe handles = [handle]
    handleNumbers = [UInt(bitPattern: handle): 0]
    if let alternate {
      unsafe dwarf_setalt(handle, alternate.handle)
      unsafe handles.append(alternate.handle)
      unsafe handleNumbers[UInt(bitPattern: alternate.handle)] = 1
    } else {
      // A placeholder keeps the numbers of split units from colliding with the alternate's.
      unsafe handles.append(handle)
    }
  }

  deinit {
    unsafe dwarf_end(handle)
    unsafe elf_end(elf)
    unsafe writableCopy?.deallocate()
  }

  /// libdw keeps its error codes to itself; this one, `DWARF_E_NO_DWARF`, is recognised by what
  /// opening an ELF header without sections gives.
  private static let noDWARFCode: Int32 = {
    // An ELF64 file of nothing but its header: class, byte order, version; ET_EXEC, EM_X86_64.
    var header = [UInt8](repeating: 0, count: 64)
    header.replaceSubrange(0..<7, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
    header.replaceSubrange(16..<24, with: [2, 0, 62, 0, 1, 0, 0, 0])
    header[52] = 64
    return unsafe header.withUnsafeMutableBytes { buffer in
      guard
        let elf = unsafe elf_memory(
          buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count)
      else { return 0 }
      defer { unsafe elf_end(elf) }
      guard let handle = unsafe dwarf_begin_elf(elf, DWARF_C_READ, nil) else {
        return dwarf_errno()
      }
      unsafe dwarf_end(handle)
      return 0
    }
  }()

  // MARK: Errors

  /// What libdw says about the last failed call.
  static func lastMessage() -> String { message(dwarf_errno()) }

  private static func message(_ code: Int32) -> String {
    guard code != 0, let text = unsafe dwarf_errmsg(code) else { return "unreadable" }
    return unsafe String(cString: text)
  }

  private static func elfMessage() -> String {
    guard let text = unsafe elf_errmsg(-1) else { return "unreadable" }
    return unsafe String(cString: text)
  }

  // MARK: Sections

  private static func hasCompressedSections(_ elf: OpaquePointer) -> Bool {
    var strings = 0
    guard unsafe elf_getshdrstrndx(elf, &strings) == 0 else { return false }
    var section: OpaquePointer?
    while let next = unsafe elf_nextscn(elf, section) {
      unsafe section = next
      var header = GElf_Shdr()
      guard unsafe gelf_getshdr(next, &header) != nil else { continue }
      if header.sh_flags & UInt64(SHF_COMPRESSED) != 0 { return true }
      if let name = unsafe elf_strptr(elf, strings, Int(header.sh_name)),
        unsafe String(cString: name).hasPrefix(".zdebug")
      {
        return true
      }
    }
    return false
  }

  private static func findSection(_ name: String, in elf: OpaquePointer) -> OpaquePointer? {
    var strings = 0
    guard unsafe elf_getshdrstrndx(elf, &strings) == 0 else { return nil }
    var section: OpaquePointer?
    while let next = unsafe elf_nextscn(elf, section) {
      unsafe section = next
      var header = GElf_Shdr()
      guard unsafe gelf_getshdr(next, &header) != nil,
        let text = unsafe elf_strptr(elf, strings, Int(header.sh_name))
      else { continue }
      if unsafe String(cString: text) == name { return unsafe next }
    }
    return nil
  }

  /// The contents of the section of that name, decompressed; nil if there is none. Under its old
  /// name `.zdebug_…` a compressed one is found too.
  func section(_ name: String) throws(SymbolError) -> ByteView? {
    var found = unsafe Self.findSection(name, in: elf)
    if unsafe found == nil, name.hasPrefix(".debug_") {
      unsafe found = Self.findSection(".z" + name.dropFirst(), in: elf)
    }
    guard let section = unsafe found else { return nil }
    var header = GElf_Shdr()
    guard unsafe gelf_getshdr(section, &header) != nil else { return nil }
    guard header.sh_type != UInt32(SHT_NOBITS) else { return nil }
    if header.sh_flags & UInt64(SHF_COMPRESSED) != 0, unsafe elf_compress(section, 0, 0) < 0 {
      throw .malformed(what: "section \(name)", offset: header.sh_offset, reason: Self.elfMessage())
    }
    guard let data = unsafe elf_rawdata(section, nil) else {
      throw .malformed(what: "section \(name)", offset: header.sh_offset, reason: Self.elfMessage())
    }
    guard let start = unsafe data.pointee.d_buf else { return .empty }
    let buffer = unsafe UnsafeRawBufferPointer(start: start, count: data.pointee.d_size)
    // The view's storage keeps this object, and so the section's bytes, alive: `release` holds it.
    let owner = SendableBox(self)
    return unsafe ByteView(ByteStorage(adopting: buffer) { _ in _ = owner })
  }

  /// Keeps an owner alive from a closure that may run anywhere; nothing is ever done with it.
  private struct SendableBox: Sendable {
    nonisolated(unsafe) let owner: LibDW
    init(_ owner: LibDW) { unsafe self.owner = owner }
  }

  // MARK: Handles' numbers

  /// Which handle `handle` is; a split unit's gets its number when it is first seen.
  func number(of handle: OpaquePointer) -> UInt64 {
    if unsafe handle == self.handle { return 0 }
    if let known = handleNumbers[UInt(bitPattern: handle)] { return known }
    let number = UInt64(unsafe handles.count)
    unsafe handles.append(handle)
    handleNumbers[UInt(bitPattern: handle)] = number
    return number
  }

  /// The handle of that number.
  func handle(numbered number: UInt64) -> OpaquePointer? {
    guard number < UInt64(unsafe handles.count) else { return nil }
    return unsafe handles[Int(number)]
  }

  // MARK: Units

  /// Calls `body` with each unit of `.debug_info` until it gives false. What can't be parsed ends
  /// the walk with an error.
  func forEachUnit(
    _ body: (UnitHeader) throws(SymbolError) -> Bool
  ) throws(SymbolError) {
    var unit: OpaquePointer?
    while true {
      var next: OpaquePointer?
      var root = unsafe Dwarf_Die()
      var version: UInt16 = 0
      var type: UInt8 = 0
      let result = unsafe dwarf_get_units(handle, unit, &next, &version, &type, &root, nil)
      if result > 0 { return }
      guard result == 0, let current = unsafe next else {
        throw .malformed(what: "unit list of \(name)", offset: 0, reason: Self.lastMessage())
      }
      unsafe unit = current
      guard unsafe root.addr != nil else { continue }
      let header = unsafe UnitHeader(
        root: Entry(library: self, die: root), version: version, type: type)
      if try !body(header) { return }
    }
  }

  /// The root of the unit whose header stands at `offset` of `.debug_info`.
  func unit(at offset: UInt64) throws(SymbolError) -> UnitHeader {
    var next: Dwarf_Off = 0
    var headerSize = 0
    var version: UInt16 = 0
    var type: UInt8 = 0
    var root = unsafe Dwarf_Die()
    guard
      unsafe dwarf_next_unit(
        handle, offset, &next, &headerSize, &version, nil, nil, nil, nil, nil) == 0,
      let (start, overflow) = Optional(offset.addingReportingOverflow(UInt64(headerSize))),
      !overflow, unsafe dwarf_offdie(handle, start, &root) != nil,
      unsafe dwarf_cu_info(root.cu, nil, &type, nil, nil, nil, nil, nil) == 0
    else { throw .malformed(what: "unit", offset: offset, reason: Self.lastMessage()) }
    return unsafe UnitHeader(
      root: Entry(library: self, die: root), version: version, type: type)
  }
}

/// A unit as it stands in `.debug_info`.
struct UnitHeader {
  /// Its outermost entry.
  let root: Entry
  let version: UInt16
  /// DW_UT_…
  let type: UInt8
}
