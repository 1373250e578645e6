internal import Bytes
internal import Targets

/// Decides whether bytes that look like VMCOREINFO describe a kernel that is really there.
struct VMCoreInfoJudge {
  private let memory: PhysicalMemory
  private let views: [KernelView]

  init(_ machine: Machine) {
    memory = machine.memory
    views = machine.cpus.compactMap { KernelView(machine.memory, $0) }
  }

  /// The claim at `address`, which is where the text begins.
  func judge(_ address: PhysicalAddress) throws(RejectedVMCoreInfo) -> VMCoreInfoClaim {
    func reject(_ reason: String) -> RejectedVMCoreInfo {
      RejectedVMCoreInfo(address: address, reason: reason)
    }
    let place = try VMCoreInfoPlace(memory, at: address)
    if let problem = Self.problem(in: place.bytes) { throw reject(problem) }
    let info = VMCoreInfo(text: String(decoding: place.bytes))
    let (name, namePlace) = try check(info, at: address)
    return claim(address, place, info, name: name, namePlace: namePlace)
  }

  /// Throws unless `info`, whose text begins at `address`, is true of memory; gives where
  /// `init_uts_ns` has the kernel's name.
  func check(
    _ info: VMCoreInfo, at address: PhysicalAddress
  ) throws(RejectedVMCoreInfo) -> (name: VirtualAddress, place: PhysicalAddress) {
    func reject(_ reason: String) -> RejectedVMCoreInfo {
      RejectedVMCoreInfo(address: address, reason: reason)
    }
    guard let release = info.release, !release.isEmpty else { throw reject("no release") }
    guard info["PAGESIZE"] == "4096" else { throw reject("pages of another size than x86's") }
    guard let image = KernelImageMap(info) else { throw reject("no phys_base") }
    guard let tables = image.pageTables, let directory = info.symbol("swapper_pg_dir") else {
      throw reject("swapper_pg_dir lies outside of the kernel's image")
    }
    guard let name = UTSName.address(info), let namePlace = image.physical(name) else {
      throw reject("init_uts_ns lies outside of the kernel's image")
    }
    try check(directory, leadsTo: tables.root, tables, named: "swapper_pg_dir", claim: address)
    try check(name, leadsTo: namePlace, tables, named: "init_uts_ns", claim: address)
    try checkName(at: name, tables, release: release, claim: address)
    try checkOffset(info, claim: address)
    return (name, namePlace)
  }

  /// What is wrong with the text; nil if it is lines of `KEY=VALUE` in printable ASCII.
  static func problem(in bytes: ByteView) -> String? {
    let text = bytes.copy()
    guard text.starts(with: "OSRELEASE=".utf8) else { return "it doesn't begin with OSRELEASE=" }
    guard text.last == 0x0a else { return "it doesn't end with a line" }
    if let odd = text.firstIndex(where: { $0 != 0x0a && !(0x20...0x7e).contains($0) }) {
      return "byte \(hex(text[odd])) at offset \(odd) is no text"
    }
    for line in text.split(separator: 0x0a, omittingEmptySubsequences: false).dropLast() {
      guard let equals = line.firstIndex(of: 0x3d), equals > line.startIndex else {
        return "the line \"\(String(decoding: line, as: UTF8.self))\" isn't KEY=VALUE"
      }
    }
    return nil
  }

  private func check(
    _ address: VirtualAddress, leadsTo place: PhysicalAddress, _ tables: X86PageTables,
    named name: String, claim: PhysicalAddress
  ) throws(RejectedVMCoreInfo) {
    let physical: PhysicalAddress
    do throws(PageFault) {
      physical = try tables.translate(address, in: memory).physical
    } catch {
      throw RejectedVMCoreInfo(
        address: claim, reason: "its page tables don't map \(name): \(error)")
    }
    guard physical == place else {
      throw RejectedVMCoreInfo(
        address: claim,
        reason: "its page tables map \(name) to physical address \(physical), "
          + "but phys_base says \(place)")
    }
  }

  private func checkName(
    at address: VirtualAddress, _ tables: X86PageTables, release: String, claim: PhysicalAddress
  ) throws(RejectedVMCoreInfo) {
    let name: UTSName
    do throws(MemoryFault) {
      name = try UTSName(in: VirtualMemory(memory, tables), at: address)
    } catch {
      throw RejectedVMCoreInfo(address: claim, reason: "init_uts_ns can't be read: \(error)")
    }
    guard name.system == "Linux", name.release == release else {
      throw RejectedVMCoreInfo(
        address: claim,
        reason: "init_uts_ns holds \(name.system.debugDescription) "
          + "\(name.release.debugDescription), not Linux \(release)")
    }
  }

  /// KERNELOFFSET tells how far `_stext` is from where it was linked; the distance of the two must
  /// be the alignment of kernels at least (`CONFIG_PHYSICAL_ALIGN`, 2 MiB).
  private func checkOffset(
    _ info: VMCoreInfo, claim: PhysicalAddress
  ) throws(RejectedVMCoreInfo) {
    guard let offset = info.kernelOffset, let text = info.symbol("_stext") else { return }
    guard text.rawValue >= KernelImageMap.start, text.rawValue - KernelImageMap.start >= offset
    else {
      throw RejectedVMCoreInfo(
        address: claim, reason: "KERNELOFFSET \(hex(offset)) doesn't fit _stext \(text)")
    }
  }

  private func claim(
    _ address: PhysicalAddress, _ place: VMCoreInfoPlace, _ info: VMCoreInfo,
    name: VirtualAddress, namePlace: PhysicalAddress
  ) -> VMCoreInfoClaim {
    let shape = place.form == .note ? "behind a note's header" : "at the start of a page"
    var evidence = [
      "VMCOREINFO: \(place.bytes.count) bytes at physical address \(address), \(shape)",
      "its swapper_pg_dir maps itself and init_uts_ns, which names the same release",
    ]
    let mask = KernelImageMap(info)?.encryptionMask ?? 0
    var agreeing: [Int] = []
    var telling = 0
    for view in views {
      switch view.opinion(on: name, at: namePlace, encryptionMask: mask) {
      case .agrees:
        agreeing.append(view.cpu.index)
        telling += 1
      case .disagrees: telling += 1
      case .cannotTell: break
      }
    }
    if !agreeing.isEmpty {
      let names = agreeing.map(String.init).joined(separator: ", ")
      evidence.append("the page tables of CPU \(names) map the same init_uts_ns")
    }
    return VMCoreInfoClaim(
      info: info, bytes: place.bytes, address: address, form: place.form, evidence: evidence,
      agreeing: agreeing.count, telling: telling)
  }
}

/// What a CPU's page tables say about a kernel.
struct KernelView {
  let cpu: VCPU
  private let memory: PhysicalMemory
  private let tables: X86PageTables

  /// Nil if the CPU isn't in long mode, or its registers don't tell.
  init?(_ memory: PhysicalMemory, _ cpu: VCPU) {
    guard let tables = X86PageTables(cpu: cpu.x86),
      tables.mode == .fourLevel || tables.mode == .fiveLevel
    else { return nil }
    self.cpu = cpu
    self.memory = memory
    self.tables = tables
  }

  /// The tables that may be the kernel's: the CPU's own, and if those may be the user half of a
  /// process with page table isolation, the kernel's half. Encryption is inferred.
  var candidates: [X86PageTables] {
    var roots = [tables.root]
    if tables.root.rawValue & Self.userTables != 0 {
      roots.append(PhysicalAddress(tables.root.rawValue & ~Self.userTables))
    }
    return roots.map {
      X86PageTables(root: $0, mode: tables.mode).inferringEncryption(in: memory)
    }
  }

  enum Opinion {
    case agrees, disagrees, cannotTell
  }

  /// Whether the CPU sees `address`, which is the kernel's, at `place`.
  func opinion(
    on address: VirtualAddress, at place: PhysicalAddress, encryptionMask: UInt64
  ) -> Opinion {
    var root = tables.root
    var mayBeUsers = root.rawValue & Self.userTables != 0
    while true {
      let candidate = X86PageTables(
        root: root, mode: tables.mode, encryptionMask: encryptionMask)
      do throws(PageFault) {
        let physical = try candidate.translate(address, in: memory).physical
        return physical == place ? .agrees : .disagrees
      } catch {
        if mayBeUsers {
          root = PhysicalAddress(root.rawValue & ~Self.userTables)
          mayBeUsers = false
          continue
        }
        if case .unreadable = error { return .cannotTell }
        return .disagrees
      }
    }
  }

  /// With page table isolation, user code runs on tables that leave the kernel out, and the kernel's
  /// are the page below (arch/x86/entry/calling.h, `PTI_USER_PGTABLE_BIT`).
  private static let userTables: UInt64 = 1 << 12
}
