public import Bytes
import Symbols
import Targets

/// The stacks that a kernel has besides its tasks' own: each CPU's for interrupts, and those that
/// the CPU itself switches to.
public struct KernelStackAreas: Sendable {
  /// One of them.
  public struct Area: Hashable, Sendable {
    /// `hardirq stack`, `NMI stack`, …
    public let name: String
    public let cpu: Int
    public let range: Range<VirtualAddress>
  }

  /// In ascending order.
  public let areas: [Area]

  /// The members of `struct cea_exception_stacks` (arch/x86/include/asm/cpu_entry_area.h) and what
  /// they are for. Kernels without SEV lack the last two.
  static let exceptionStacks: [(member: String, name: String)] = [
    ("DF_stack", "double fault stack"), ("NMI_stack", "NMI stack"), ("DB_stack", "debug stack"),
    ("DB1_stack", "debug stack"), ("DB2_stack", "debug stack"),
    ("MCE_stack", "machine check stack"), ("VC_stack", "#VC stack"), ("VC2_stack", "#VC stack"),
  ]

  init(_ kernel: LinuxKernel, _ cpus: [GuestCPU]) {
    var areas: [Area] = []
    for cpu in cpus {
      if let range = Self.interruptStack(kernel, cpu) {
        areas.append(Area(name: "interrupt stack", cpu: cpu.number, range: range))
      }
      areas += Self.exceptionStacks(kernel, cpu)
    }
    self.areas = areas.sorted { $0.range.lowerBound < $1.range.lowerBound }
  }

  /// The area that `address` lies in; the very end counts, as an empty stack's pointer is there.
  public func area(containing address: VirtualAddress) -> Area? {
    var low = 0
    var high = areas.count
    while low < high {
      let middle = (low + high) / 2
      if areas[middle].range.lowerBound <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0, address <= areas[low - 1].range.upperBound else { return nil }
    return areas[low - 1]
  }

  /// Where a CPU keeps the end of its stack for interrupts (arch/x86/include/asm/processor.h,
  /// current.h): a variable's name and type, and the member if it is a structure.
  static let interruptStackPlaces: [(variable: String, type: String, member: String?)] = [
    ("pcpu_hot", "struct pcpu_hot", "hardirq_stack_ptr"),  // 6.2–6.14
    ("hardirq_stack_ptr", "unsigned long", nil),  // 5.2–6.1, 6.15–
  ]

  /// The stack for interrupts and for what they put off: the pointer leads to its end, or to the
  /// last word of it since 5.8. Its size is that of `struct irq_stack`.
  private static func interruptStack(
    _ kernel: LinuxKernel, _ cpu: GuestCPU
  ) -> Range<VirtualAddress>? {
    do throws(StructureError) {
      guard
        let place = interruptStackPlaces.first(where: {
          kernel.symbols.symbol(named: $0.variable) != nil
        })
      else { return nil }
      var pointer = try kernel.perCPU(place.variable, place.type, cpu: cpu.number)
      if let member = place.member { pointer = try pointer.member(member) }
      guard let top = VirtualAddress(try pointer.unsigned()).advanced(by: 15) else { return nil }
      let end = VirtualAddress(top.rawValue & ~15)
      guard let size = try kernel.object("struct irq_stack", at: end).byteCount(),
        (1 << 12...1 << 18).contains(size), end.rawValue > size
      else { return nil }
      return (end &- size)..<end
    } catch {
      return nil  // A stack without a name is only unnamed.
    }
  }

  /// The stacks of the CPU's entry area: those for exceptions, and the small one on which programs
  /// enter the kernel.
  private static func exceptionStacks(_ kernel: LinuxKernel, _ cpu: GuestCPU) -> [Area] {
    var areas: [Area] = []
    do throws(StructureError) {
      let start = VirtualAddress(
        try kernel.perCPU("cea_exception_stacks", "unsigned long", cpu: cpu.number).unsigned())
      guard start.rawValue != 0 else { return [] }
      let stacks = try kernel.object("struct cea_exception_stacks", at: start)
      for (member, name) in exceptionStacks where try stacks.hasMember(member) {
        if let area = try area(name, cpu, try stacks.member(member)) { areas.append(area) }
      }
      let entry = try kernel.object("struct cpu_entry_area", at: VirtualAddress(0))
      let distance = try entry.member("estacks").address.rawValue
      let whole = try kernel.object("struct cpu_entry_area", at: start &- distance)
      let trampoline = try whole.member("entry_stack_page")
      if let area = try area("entry stack", cpu, trampoline) { areas.append(area) }
    } catch {
      // What is known so far is still right; a stack without a name is only unnamed.
    }
    return areas
  }

  private static func area(
    _ name: String, _ cpu: GuestCPU, _ object: TypedAddress
  ) throws(StructureError) -> Area? {
    guard let size = try object.byteCount(), size > 0, size <= 1 << 18,
      let end = object.address.advanced(by: size)
    else { return nil }
    return Area(name: name, cpu: cpu.number, range: object.address..<end)
  }
}
