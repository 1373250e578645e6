internal import Bytes
internal import Symbols
public import Targets

extension LinuxKernel {
  /// The kernel's log (dmesg), in whichever form it keeps it.
  ///
  /// The layout is the types' own; where a kernel has no types, VMCOREINFO's. Damaged records are
  /// told in the result's `diagnostics`, and the others are there.
  public func log() throws(KernelLogError) -> KernelLog {
    if let pointer = logVariable("prb") {
      let layout = try layout(
        { types throws(KernelLogError) in try PrintkRingLayout(types: types) },
        { info throws(KernelLogError) in try PrintkRingLayout(info) })
      let ring = try word(at: pointer, "prb")
      return try PrintkRing(layout, at: VirtualAddress(ring), in: memory).log()
    }
    if logVariable("log_buf") != nil {
      let layout = try layout(
        { types throws(KernelLogError) in try PrintkBufferLayout(types: types) },
        { info throws(KernelLogError) in try PrintkBufferLayout(info) })
      return try PrintkBuffer(layout, at: bufferPlace(), in: memory).log()
    }
    throw .noLog
  }

  /// Messages that NMI handlers and the like wrote where kernels up to 5.14 keep them until they can be
  /// logged, a line each.
  public func unloggedMessages() throws(StructureError) -> [String] {
    try SafeBuffers(kernel: self).lines()
  }

  /// The layout by types or, if they don't tell, by VMCOREINFO. If neither does, the types' error
  /// says more.
  private func layout<Layout>(
    _ typed: (any TypeLibrary) throws(KernelLogError) -> Layout,
    _ told: (VMCoreInfo) throws(KernelLogError) -> Layout
  ) throws(KernelLogError) -> Layout {
    do throws(KernelLogError) {
      return try typed(types)
    } catch {
      guard let vmcoreInfo else { throw error }
      return try told(vmcoreInfo)
    }
  }

  /// Where the variable `name` is, by the kernel's symbols or VMCOREINFO.
  private func logVariable(_ name: String) -> VirtualAddress? {
    symbols.symbol(named: name).map { VirtualAddress($0.address) } ?? vmcoreInfo?.symbol(name)
  }

  private func word(at address: VirtualAddress, _ name: String) throws(KernelLogError) -> UInt64 {
    do throws(MemoryFault) {
      return try memory.word(at: address)
    } catch {
      throw .memory(what: name, error)
    }
  }

  private func variable(_ name: String) throws(KernelLogError) -> VirtualAddress {
    guard let address = logVariable(name) else { throw .types(.noVariable(name)) }
    return address
  }

  /// The variables of kernel/printk/printk.c up to 5.9.
  private func bufferPlace() throws(KernelLogError) -> PrintkBufferPlace {
    func half(_ name: String) throws(KernelLogError) -> UInt64 {
      try word(at: variable(name), name) & 0xffff_ffff
    }
    var firstSequence: UInt64?
    if let address = logVariable("log_first_seq") {
      firstSequence = try word(at: address, "log_first_seq")
    }
    return PrintkBufferPlace(
      address: VirtualAddress(try word(at: variable("log_buf"), "log_buf")),
      size: try half("log_buf_len"), first: try half("log_first_idx"),
      next: try half("log_next_idx"), firstSequence: firstSequence)
  }
}
