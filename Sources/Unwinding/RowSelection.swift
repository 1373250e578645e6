public import Bytes

// Which row applies to a frame. Applying it is `UnwindRow.step`'s part.
extension StackWalk {
  /// The frame's row, and how far its module was moved.
  @inlinable
  func row(
    for frame: Frame, isInnermost: Bool
  ) throws(UnwindStop) -> (row: UnwindRow, bias: UInt64) {
    do throws(UnwindError) {
      if let found = try tableRow(for: frame) { return found }
    } catch {
      throw .damaged(pc: frame.pc, error)
    }
    return (try inferredRow(for: frame, isInnermost: isInnermost), 0)
  }

  /// The row from the module's table. For a return address it is the call's: the address itself may
  /// belong to the next function, if the call never returns.
  @inlinable
  func tableRow(
    for frame: Frame
  ) throws(UnwindError) -> (row: UnwindRow, bias: UInt64)? {
    let address = frame.isAfterCall ? frame.pc &- 1 : frame.pc
    if let located = tables.unwindTable(for: address),
      let row = try located.table.row(at: address &- located.bias)
    {
      return (row, located.bias)
    }
    guard frame.isAfterCall, let located = tables.unwindTable(for: frame.pc),
      let row = try located.table.row(at: frame.pc &- located.bias), row.isSignalFrame
    else { return nil }
    // No call is before a signal trampoline: the kernel made its first instruction the handler's
    // return address. The C library's own makes its FDE begin one byte early for that reason.
    return (row, located.bias)
  }

  /// A row where no table has one.
  @usableFromInline
  func inferredRow(for frame: Frame, isInnermost: Bool) throws(UnwindStop) -> UnwindRow {
    let stop = UnwindStop.noUnwindInformation(pc: frame.pc)
    if isSignalTrampoline(frame.pc) { return architecture.signalTrampoline.row }
    let isCode = tables.isCode(frame.pc)
    if frame.isAfterCall, isPlacedByHand(frame.pc) { throw .endOfStack(.placedReturnAddress) }
    if !frame.isAfterCall {
      // Before the first instruction of a function, or after a jump to no code at all, the return
      // address is still where the call put it.
      var row = architecture.untouchedStackRow
      if !isCode { row.evidence = .wildJump }
      if let address = returnAddress(row, frame),
        isReturnAddress(address, mustBeProven: isCode)
      {
        return row
      }
    }
    guard isCode else { throw stop }
    if !isInnermost, frame.registers[architecture.framePointer] == 0 {
      throw .endOfStack(.zeroFramePointer)
    }
    let row = architecture.framePointerRow
    guard isFramePointerPlausible(frame), let address = returnAddress(row, frame),
      address.rawValue == 0 || isReturnAddress(address, mustBeProven: false)
    else { throw stop }
    return row
  }

  /// Where `row` would return to; nil if that can't be known.
  private func returnAddress(_ row: UnwindRow, _ frame: Frame) -> VirtualAddress? {
    do throws(UnwindError) {
      let step = try row.step(
        from: frame.registers, memory: memory, architecture: architecture)
      guard case .known(let address) = step.returnAddress else { return nil }
      return address
    } catch {
      // Not even the CFA can be computed, so this row isn't the one.
      return nil
    }
  }

  /// Whether a call stands before `address`, in code. If the code can't be read, it must be
  /// believed, unless it `mustBeProven`.
  private func isReturnAddress(_ address: VirtualAddress, mustBeProven: Bool) -> Bool {
    guard tables.isCode(address &- 1) else { return false }
    return architecture.isAfterCall(address, memory: memory) ?? !mustBeProven
  }

  /// Whether the return address `pc` was put on the stack without any call, as `makecontext` does:
  /// a function begins there, no function's code is before it, and no call instruction either.
  private func isPlacedByHand(_ pc: VirtualAddress) -> Bool {
    guard architecture.isAfterCall(pc, memory: memory) == false,
      let located = tables.unwindTable(for: pc)
    else { return false }
    do throws(UnwindError) {
      // `tableRow` found none for the byte before.
      return try located.table.row(at: pc &- located.bias) != nil
    } catch {
      return false
    }
  }

  /// The frame pointer points to an aligned word of the stack, at or above its top.
  private func isFramePointerPlausible(_ frame: Frame) -> Bool {
    guard let pointer = frame.registers[architecture.framePointer],
      pointer % UInt64(architecture.addressSize) == 0
    else { return false }
    guard let top = frame.registers[architecture.stackPointer] else { return true }
    return pointer >= top
  }

  /// Whether `pc` is at one of the instructions that return from a signal handler.
  private func isSignalTrampoline(_ pc: VirtualAddress) -> Bool {
    let trampoline = architecture.signalTrampoline
    let count = UInt64(trampoline.code.count)
    return trampoline.instructionOffsets.contains { offset in
      do throws(MemoryFault) {
        return try memory.read(pc &- offset, count: count).copy() == trampoline.code
      } catch {
        // Code that can't be read is not recognised.
        return false
      }
    }
  }
}
