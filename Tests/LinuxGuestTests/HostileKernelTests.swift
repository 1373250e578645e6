import Bytes
import LinuxGuest
import Symbols
import Targets
import TestWorlds
import Testing

/// Guests whose memory was made to mislead.
@Suite struct HostileKernelTests {
  private func machine(_ world: PageTableWorld, _ more: [PhysicalSegment] = []) -> Machine {
    let bytes = world.view
    let memory = PhysicalMemory(
      [
        PhysicalSegment(
          start: PhysicalAddress(world.start), count: UInt64(bytes.count), contents: .bytes(bytes))
      ] + more)
    return Machine(memory: memory, map: [], cpus: [KernelWorld.cpu(0, directory: world.root)])
  }

  @Test func tablesThatMapThemselvesHoldNoKernel() {
    var world = PageTableWorld(.fourLevel)
    for index in 0..<UInt64(512) { world.set(index, of: world.root, to: world.root | 7) }
    #expect(throws: LinuxGuestError.self) { try LinuxKernel.find(in: machine(world)) }
  }

  /// All of the image's addresses lead to one page, which looks like the middle of a table of tokens.
  @Test func onePageForTheWholeImageHoldsNoKernel() {
    var world = PageTableWorld(.fourLevel)
    let page = world.allocatePage()
    let digits = (0..<10).flatMap { [UInt8(ascii: "0") + UInt8($0), 0] }
    world.write((0..<200).flatMap { _ in digits }, at: page)
    let first = world.entryAddress(for: 0xffff_ffff_8000_0000, depth: 3) & ~4095
    for index in 0..<UInt64(512) { world.set(index, of: first, to: page | 3) }
    let middle = world.entryAddress(for: 0xffff_ffff_8000_0000, depth: 2) & ~4095
    for index in 0..<UInt64(512) { world.set(index, of: middle, to: first | 3) }
    #expect(throws: LinuxGuestError.self) { try LinuxKernel.find(in: machine(world)) }
  }

  /// Symbols in their shape that no page tables confirm: a kernel's file in the page cache, or a
  /// process's joke.
  @Test func symbolsThatNothingMapsAreNoKernel() throws {
    var symbols = KallsymsAssembler.sample(count: 1100)
    symbols.insert(
      .init("init_top_pgt", "D", (symbols.last?.value ?? 0) - 8), at: symbols.count - 1)
    let image = KallsymsAssembler(symbols).image()
    let count = UInt64(image.bytes.count) & ~4095
    let segment = PhysicalSegment(
      start: PhysicalAddress(0x80_0000), count: count,
      contents: .bytes(image.view.clampedSubview(at: 0, count: count)))
    do {
      _ = try LinuxKernel.find(
        in: machine(PageTableWorld(.fourLevel), [segment]))
      Issue.record("a kernel was found")
    } catch {
      #expect("\(error)".contains("no page tables map the kernel"), "\(error)")
    }
  }

  @Test func emptyMachinesHoldNoKernel() {
    #expect(throws: LinuxGuestError.self) {
      try LinuxKernel.find(in: Machine(memory: PhysicalMemory([]), map: [], cpus: []))
    }
  }

  // MARK: Lists of modules

  private func kernel(
    of guest: WitnessedGuest, overwriting address: (LinuxKernel) throws -> VirtualAddress,
    with bytes: (LinuxKernel) throws -> [UInt8]
  ) throws -> LinuxKernel {
    let machine = try guest.machine()
    let whole = try LinuxKernel.find(in: machine)
    let place = try whole.memory.translate(address(whole)).physical
    return try LinuxKernel.find(
      in: Machine(machine, memory: machine.memory.overwriting(place, with: bytes(whole))))
  }

  private func link(_ kernel: LinuxKernel, _ index: Int) throws -> VirtualAddress {
    let module = try kernel.modules().loaded[index]
    return try kernel.object("struct module", at: module.address).member("list").address
  }

  /// A module whose `next` leads to itself: those behind it are found from the other end.
  @Test(arguments: WitnessedGuest.idle.prefix(1)) func aListThatBitesItselfHidesNoModule(
    _ guest: WitnessedGuest
  ) throws {
    let truth = try guest.kernel().modules().loaded.map(\.name)
    let kernel = try kernel(of: guest) {
      try link($0, 2)
    } with: {
      little(try link($0, 2).rawValue)
    }
    let modules = try kernel.modules()
    #expect(modules.loaded.map(\.name) == truth)
    #expect(modules.diagnostics.contains { $0.hasPrefix("modules: ") }, "\(modules.diagnostics)")
  }

  /// Numbers of symbols, sizes and pointers that lie cost only what they describe.
  @Test(
    arguments: WitnessedGuest.idle.prefix(1),
    ["kallsyms", "source_list", "args", "arch.num_orcs", "taints", "name", "state"])
  func aDamagedModuleCostsOnlyItself(_ guest: WitnessedGuest, member: String) throws {
    let truth = try guest.kernel().modules().loaded
    let kernel = try kernel(of: guest) {
      try $0.object("struct module", at: $0.modules().loaded[1].address).member(member).address
    } with: { _ in
      [UInt8](repeating: 0xff, count: 8)
    }
    let modules = try kernel.modules().loaded
    #expect(modules.count == truth.count)
    for (index, module) in modules.enumerated() where index != 1 {
      #expect(module.regions == truth[index].regions && module.name == truth[index].name)
      #expect(module.symbols.count == truth[index].symbols.count)
    }
    #expect(modules[1].regions == truth[1].regions)
    _ = modules[1].symbols.symbol(named: "init_module")
    _ = modules[1].symbols.symbol(at: .max)
  }
}

extension PhysicalMemory {
  /// The same memory with other bytes at `address`.
  func overwriting(_ address: PhysicalAddress, with bytes: [UInt8]) -> PhysicalMemory {
    PhysicalMemory(
      segments.flatMap { segment -> [PhysicalSegment] in
        guard case .bytes(let view) = segment.contents,
          let offset = address.offset(from: segment.start), offset < segment.count
        else { return [segment] }
        func part(_ range: Range<UInt64>) -> PhysicalSegment {
          PhysicalSegment(
            start: segment.start &+ range.lowerBound, count: UInt64(range.count),
            contents: .bytes(
              view.clampedSubview(at: range.lowerBound, count: UInt64(range.count))))
        }
        // A page of its own, so that pages aren't split.
        let page = offset & ~4095
        let end = min(page + 4096, segment.count)
        var changed = view.clampedSubview(at: page, count: end - page).copy()
        let start = Int(offset - page)
        changed.replaceSubrange(start..<start + bytes.count, with: bytes)
        return [
          part(0..<page),
          PhysicalSegment(
            start: segment.start &+ page, count: end - page,
            contents: .bytes(ByteView(copying: changed))),
          part(end..<segment.count),
        ]
      })
  }
}
