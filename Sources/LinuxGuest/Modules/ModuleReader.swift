internal import Bytes
internal import ObjectFiles
internal import Symbols
internal import Targets

/// Reads modules out of their `struct module`s. A part that can't be read leaves the others as they
/// are.
struct ModuleReader {
  let kernel: LinuxKernel
  let layout: StructureLayout<ModuleMember>
  let regionLayout: StructureLayout<ModuleMemoryMember>?
  private let symbolLayout: StructureLayout<ModuleSymbolsMember>?
  private let useLayout: StructureLayout<ModuleUseMember>?
  /// Where modules have their BTF, by the addresses of their `struct module`s.
  private let types: [VirtualAddress: Range<VirtualAddress>]

  init(
    _ kernel: LinuxKernel, types: [VirtualAddress: Range<VirtualAddress>]
  ) throws(StructureError) {
    self.kernel = kernel
    self.types = types
    layout = try StructureLayout(kernel.types)
    regionLayout =
      layout[.memory] == nil ? nil : try StructureLayout<ModuleMemoryMember>(kernel.types)
    symbolLayout = try Self.ifThere(kernel)
    useLayout = try Self.ifThere(kernel)
  }

  /// The layout of a structure that kernels may be built without.
  static func ifThere<Member: StructureMember>(
    _ kernel: LinuxKernel
  ) throws(StructureError) -> StructureLayout<Member>? {
    do throws(StructureError) {
      return try StructureLayout<Member>(kernel.types)
    } catch {
      if case .noType = error { return nil }
      throw error
    }
  }

  /// The modules that use another are at most as many as there are modules.
  static let limit = 1 << 14

  /// Collects what can't be read.
  struct Notes {
    var lines: [String] = []

    mutating func part<Value>(
      _ what: String, _ read: () throws(StructureError) -> Value?
    ) -> Value? {
      do throws(StructureError) {
        return try read()
      } catch {
        lines.append("\(what): \(error)")
        return nil
      }
    }
  }

  func module(at address: VirtualAddress) -> KernelModule {
    let image = StructureImage(layout, at: address, in: kernel.memory)
    var notes = Notes()
    let name = notes.part("name") { () throws(StructureError) in try image.text(.name) }
    let state = notes.part("state") { () throws(StructureError) in try image.unsigned(.state) }
    if let state, KernelModule.State(rawValue: state) == nil {
      notes.lines.append("state: \(state) is none")
    }
    let taints = notes.part("taints") { () throws(StructureError) in
      try image.unsignedIfThere(.taints)
    }
    let regions = notes.part("memory") { () throws(StructureError) in try self.regions(image) }
    let useCount = notes.part("use count") { () throws(StructureError) in
      try self.useCount(image)
    }
    let users = users(image, &notes)
    let version = text(image, .version, "version", &notes)
    let sourceVersion = text(image, .sourceVersion, "srcversion", &notes)
    let arguments = text(image, .arguments, "arguments", &notes)
    let buildID = notes.part("build-id") { () throws(StructureError) in
      try ModuleBuildID(kernel).read(image)
    }
    let orc = notes.part("ORC") { () throws(StructureError) in try self.orc(image) }
    let symbols = notes.part("symbols") { () throws(StructureError) in try self.symbols(image) }
    return KernelModule(
      address: address, name: name ?? "", state: state.flatMap(KernelModule.State.init),
      taints: taints ?? 0, regions: regions ?? [], useCount: useCount, users: users,
      version: version,
      sourceVersion: sourceVersion, arguments: arguments, buildID: buildID, orc: orc,
      types: types[address], symbols: KernelModuleSymbols(symbols, in: kernel.memory),
      diagnostics: notes.lines)
  }

  // MARK: Parts

  /// `MODULE_REF_BASE` (kernel/module/main.c): the count that the kernel itself holds.
  private static let ownCount: Int64 = 1

  private func useCount(_ image: StructureImage<ModuleMember>) throws(StructureError) -> Int? {
    guard layout[.referenceCount] != nil else { return nil }
    let count = try image.signed(.referenceCount)
    return count >= Self.ownCount ? Int(count - Self.ownCount) : nil
  }

  private func users(
    _ image: StructureImage<ModuleMember>, _ notes: inout Notes
  ) -> [String] {
    guard let useLayout, let place = layout[.users], let link = useLayout[.list] else { return [] }
    let list = KernelList(head: image.address &+ place.offset, in: kernel.memory, limit: Self.limit)
    if let damage = list.damage { notes.lines.append("users: \(damage)") }
    return list.nodes.compactMap { node in
      notes.part("user") { () throws(StructureError) in
        let use = StructureImage(useLayout, at: node &- link.offset, in: kernel.memory)
        guard let user = try use.pointer(.user) else { return nil }
        return try StructureImage(layout, at: user, in: kernel.memory).text(.name)
      }
    }
  }

  /// The text that a `char *` member points at; nil if there is none.
  private func text(
    _ image: StructureImage<ModuleMember>, _ member: ModuleMember, _ what: String,
    _ notes: inout Notes
  ) -> String? {
    guard layout[member] != nil else { return nil }
    return notes.part(what) { () throws(StructureError) in
      guard let address = try image.pointer(member) else { return nil }
      do throws(MemoryFault) {
        let text = try kernel.memory.cString(at: address, limit: 4096)
        return String(decoding: text.bytes, as: UTF8.self)
      } catch {
        throw .memory(error)
      }
    }
  }

  private func orc(
    _ image: StructureImage<ModuleMember>
  ) throws(StructureError) -> KernelModule.ORCTables? {
    guard let count = try image.unsignedIfThere(.orcCount), count > 0,
      let addresses = try image.pointer(.orcAddresses),
      let entries = try image.pointer(.orcEntries)
    else { return nil }
    return KernelModule.ORCTables(addresses: addresses, entries: entries, count: count)
  }

  private func symbols(
    _ image: StructureImage<ModuleMember>
  ) throws(StructureError) -> ModuleSymbolSource? {
    guard let symbolLayout, layout[.kallsyms] != nil, let place = try image.pointer(.kallsyms)
    else { return nil }
    let table = StructureImage(symbolLayout, at: place, in: kernel.memory)
    guard let symbols = try table.pointer(.symbols), let strings = try table.pointer(.strings)
    else { return nil }
    let letters = symbolLayout[.letters] == nil ? nil : try table.pointer(.letters)
    return ModuleSymbolSource(
      symbols: symbols, count: try table.unsigned(.count), strings: strings, letters: letters)
  }
}
