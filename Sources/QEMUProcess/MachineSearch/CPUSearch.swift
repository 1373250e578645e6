import Bytes
import Targets

/// Reads the CPUs of a list: their registers by shape, each checked against what else is known.
struct CPUSearch: Sendable {
  let list: CPUList
  let process: HostProcess
  let layout: GuestMemoryLayout
  let accelerator: Accelerator?
  let release: QEMURelease?
  /// Walks the stacks of the process's threads; nil where that can't be done.
  let walker: (any StackWalker)?

  func read(into result: inout MachineSearch.Result) {
    let probe = Probe(memory: process.memory)
    let objects = list.objects.map { probe.bytes(at: $0, upTo: CPUStateShape.objectSize) }
    let guestMemory = layout.blocks
    if list.objects.contains(where: { object in guestMemory.contains { $0.holds(object) } }) {
      result.diagnostics.append("what looks like QEMU's list of CPUs lies in guest memory")
      return
    }
    result.evidence.append(
      "\(objects.count) objects of type \(list.type) in a list at \(hex(list.head)) of QEMU's"
        + " variables, each pointed back to by its neighbour")
    guard let shape = CPUStateShape(of: objects, from: list.link, release: release) else {
      result.diagnostics.append("the CPUs' registers weren't found in their objects")
      return
    }
    result.diagnostics += doubts(shape)
    let reader = CPUStateReader(
      shape: shape, accelerator: accelerator,
      numberings: FlagOperation.Numbering.possible(
        release: release, others: shape.modelSpecific?.others))
    let threads = ThreadNumbers(objects, process)
    let tables = TopLevelTables(layout: layout, process: process)
    for (index, object) in objects.enumerated() {
      let state = reader.state(of: object)
      if accelerator == .tcg, state.rflags == nil {
        result.diagnostics.append("RFLAGS of CPU \(index) can't be told without QEMU's version")
      }
      var evidence = [
        "its state is at \(hex(list.objects[index] &+ shape.general)), \(shape.general) bytes into"
          + " its object"
      ]
      let thread = threads.thread(of: index)
      if let thread { evidence.append("its object names thread \(thread.id)") }
      switch tables.check(state) {
      case .walks(let count):
        evidence.append("\(count) entries of its top page table point to memory")
      case .fails:
        result.diagnostics.append("the page tables of CPU \(index) aren't in the guest's memory")
      case .unknown: break
      }
      result.cpus.append(
        VCPU(
          index: index, x86: state, freshness: freshness(of: thread), evidence: evidence))
    }
  }

  /// Under KVM only a variable in the CPU's object tells whether QEMU has the registers; where it
  /// is can't be told by shape. TCG keeps RIP and flags elsewhere while translated code runs, and so
  /// while a device serves an access that this code made.
  private func freshness(of thread: HostThread?) -> VCPU.Freshness {
    guard accelerator == .tcg, let thread,
      let counter = thread.registers[process.architecture.programCounter],
      process.mapping(containing: VirtualAddress(counter)) != nil
    else { return .unknown }
    let callers = walker?.programCounters(from: thread.registers, limit: Self.frameLimit) ?? []
    return ([VirtualAddress(counter)] + callers).contains(where: isGenerated) ? .torn : .current
  }

  /// From translated code to a device's deepest function is less far.
  private static let frameLimit = 128

  private func isGenerated(_ counter: VirtualAddress) -> Bool {
    guard let mapping = process.mapping(containing: counter) else { return false }
    return mapping.isExecutable && (mapping.isWritable || mapping.path == nil)
  }

  private func doubts(_ shape: CPUStateShape) -> [String] {
    var doubts: [String] = []
    switch accelerator {
    case .kvm:
      doubts.append(
        "KVM may have newer registers than QEMU: whether it has can't be told without symbols")
    case .tcg: break
    case nil: doubts.append("RFLAGS can't be told: neither TCG nor KVM was found")
    }
    var missing: [String] = []
    if shape.extendedFeatures == nil { missing.append("EFER") }
    if shape.modelSpecific?.kernelGSBase == nil, shape.modelSpecific?.isUnused != true {
      missing.append("model-specific registers")
    }
    if shape.debug == nil { missing.append("debug registers") }
    if shape.vectors == nil || shape.floatingPoint == nil { missing.append("vector registers") }
    if !missing.isEmpty {
      doubts.append("not found in the CPUs' objects: \(missing.joined(separator: ", "))")
    }
    return doubts
  }
}

extension GuestRAMBlock {
  func holds(_ pointer: UInt64) -> Bool {
    pointer >= host.rawValue && pointer - host.rawValue < count
  }
}

/// Which thread runs which CPU: `CPUState.thread_id` (include/hw/core/cpu.h), found as the place
/// where all CPUs' objects have the number of a thread.
struct ThreadNumbers: Sendable {
  private let threads: [HostThread?]

  /// `thread_id` is near the object's start: 184 in 7.2.
  private static let reach: UInt64 = 1024

  init(_ objects: [ProbedBytes], _ process: HostProcess) {
    var byID: [UInt32: HostThread] = [:]
    // Thread 1, of a QEMU in a container, is the main one, which runs no CPU; many members are 1.
    for thread in process.threads where thread.id > 1 {
      byID[UInt32(bitPattern: thread.id)] = thread
    }
    let place = stride(from: UInt64(40), to: Self.reach, by: 4).first { offset in
      let ids = objects.compactMap { $0.long(offset) }
      return ids.count == objects.count && ids.allSatisfy { byID[$0] != nil }
        && (Set(ids).count == ids.count || Set(ids).count == 1)
    }
    threads = objects.map { object in place.flatMap { object.long($0) }.flatMap { byID[$0] } }
  }

  func thread(of index: Int) -> HostThread? { threads[index] }
}

/// A check of CR3 against the guest's memory: no walk, only the first step of one.
struct TopLevelTables: Sendable {
  let layout: GuestMemoryLayout
  let process: HostProcess

  enum Answer: Hashable, Sendable {
    case walks(Int)
    case fails
    /// Paging is off or of another kind, or the table isn't in the dump.
    case unknown
  }

  func check(_ state: X86CPUState) -> Answer {
    guard state.isLongModeActive == true, let cr3 = state.cr3 else { return .unknown }
    // Bits 12–51 (Intel SDM volume 3, "Paging").
    let addressBits: UInt64 = 0xf_ffff_ffff_f000
    guard let host = host(of: cr3 & addressBits) else { return .fails }
    let table = Probe(memory: process.memory).bytes(at: host, upTo: 4096)
    guard table.count == 4096 else { return .unknown }
    var count = 0
    for index in 0..<UInt64(512) {
      guard let entry = table.word(index * 8), entry & 1 != 0,
        self.host(of: entry & addressBits) != nil
      else { continue }
      count += 1
    }
    return count > 0 ? .walks(count) : .fails
  }

  /// Where in QEMU's process the guest-physical `address` is.
  private func host(of address: UInt64) -> UInt64? {
    for range in layout.ranges {
      guard let skip = PhysicalAddress(address).offset(from: range.start), skip < range.count,
        layout.blocks.indices.contains(range.block)
      else { continue }
      return layout.blocks[range.block].host.rawValue &+ range.offset &+ skip
    }
    return nil
  }
}
