import Bytes
import Symbols
import Testing
import Unwinding

/// Locations of every kind, in frames made by hand.
@Suite struct ValuesReaderTests {
  private func text(
    _ operations: [DWARFOperation], type: TypeID = ValuesTypes.int, _ frame: ValuesSyntheticFrame
  ) -> String {
    text(.operations(operations), type: type, frame)
  }

  private func text(
    _ location: VariableLocation, type: TypeID = ValuesTypes.int, _ frame: ValuesSyntheticFrame
  ) -> String {
    let variable = Variable(id: EntryID(1), name: "x", type: type, location: location)
    let text = FrameText(
      formatter: ValueFormatter(memory: frame.memory), reader: VariableReader(frame))
    return text.arguments([.init(variable, entryLocation: location)])
  }

  private func op(
    _ code: UInt8, _ first: UInt64 = 0, _ second: UInt64 = 0,
    _ payload: DWARFOperation.Payload = .none
  ) -> DWARFOperation {
    DWARFOperation(DWARFOpcode(rawValue: code), first, second, payload: payload)
  }

  private let pair = ValuesTypes.pair

  @Test func registers() {
    let frame = ValuesSyntheticFrame(
      registers: [3: 0xffff_ffff_0000_0007],
      wide: [RegisterNumber(17): [0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 1, 2, 3, 4, 5, 6, 7, 8]])
    #expect(text([op(0x53)], frame) == "x=7")
    #expect(text([op(0x53)], type: ValuesTypes.long, frame) == "x=-4294967289")
    #expect(text([op(0x90, 17)], type: ValuesTypes.double, frame) == "x=1.5")
    // What wasn't saved is unknown, and so is what a register is too small for.
    #expect(text([op(0x50)], frame) == "x=<optimized out>")
    #expect(
      text([op(0x70), op(0x9f)], frame)
        == "x=<error reading variable: value has been optimized out>")
    #expect(text([op(0x90, 60_000)], frame) == "x=<optimized out>")
  }

  @Test func memory() {
    let frame = ValuesSyntheticFrame(
      registers: [6: 0x1000],
      memory: [0xff0: [5, 0, 0, 0], 0x2010: [9, 0, 0, 0], 0x7004: [3, 0, 0, 0]],
      cfa: 0x1010, frameBase: [op(0x9c)], bias: 0x2000)
    #expect(text([op(0x91, UInt64(bitPattern: -32))], frame) == "x=5")
    #expect(text([op(0x76, UInt64(bitPattern: -16))], frame) == "x=5")
    #expect(text([op(0x03, 0x10)], frame) == "x=9")
    #expect(text([op(0x0a, 4), op(0x9b)], frame) == "x=3")
    #expect(
      text([op(0x03, 0x9000)], frame)
        == "x=<error reading variable: Cannot access memory at address 0xb000>")
    // A frame base that counts from itself.
    let circular = ValuesSyntheticFrame(frameBase: [op(0x91, 0)])
    #expect(text([op(0x91, 8)], circular).hasPrefix("x=<error reading variable:"))
    // One that names the frame pointer means what that holds.
    let old = ValuesSyntheticFrame(
      registers: [6: 0x1000], memory: [0xff8: [4, 0, 0, 0]], frameBase: [op(0x56)])
    #expect(text([op(0x91, UInt64(bitPattern: -8))], old) == "x=4")
  }

  @Test func pieces() {
    let frame = ValuesSyntheticFrame(
      registers: [0: 0x1_0000_0002, 1: 0b1011_0110], memory: [0x1000: [7, 0, 0, 0]])
    func all(_ operations: [DWARFOperation], type: TypeID? = nil) -> String {
      var options = FormatOptions()
      options.frameArguments = .all
      let variable = Variable(
        id: EntryID(1), name: "x", type: type ?? pair, location: .operations(operations))
      let formatter = ValueFormatter(memory: frame.memory, options: options)
      return FrameText(formatter: formatter, reader: VariableReader(frame))
        .arguments([.init(variable, entryLocation: .optimizedOut)])
    }
    #expect(all([op(0x50), op(0x93, 4), op(0x93, 4)]) == "x={a = 2, b = <optimized out>}")
    #expect(
      all([op(0x93, 4), op(0x0a, 0x1000), op(0x93, 4)]) == "x={a = <optimized out>, b = 7}")
    #expect(all([op(0x93, 4), op(0x93, 4)]) == "x=<optimized out>")
    // Too little, and far too much.
    #expect(all([op(0x50), op(0x93, 4)]) == "x={a = 2, b = <optimized out>}")
    #expect(all([op(0x50), op(0x93, 1 << 40)]) == "x={a = 2, b = 1}")
    // Bits 1 to 3 of one register, then bits 4 and 5, and the rest from a constant.
    #expect(
      all(
        [
          op(0x51), op(0x9d, 3, 1), op(0x51), op(0x9d, 2, 4), op(0x30), op(0x9f), op(0x9d, 27, 0),
        ], type: ValuesTypes.int) == "x=\(0b11_011)")
    #expect(
      all([op(0x51), op(0x9d, 3, .max), op(0x51), op(0x9d, .max, 0)], type: ValuesTypes.int)
        == "x=<optimized out>")
  }

  @Test func valuesWithoutAPlace() {
    let frame = ValuesSyntheticFrame()
    #expect(text([op(0x35), op(0x9f)], frame) == "x=5")
    #expect(text([op(0x9e, 4, 0, .bytes([1, 2, 0, 0]))], frame) == "x=513")
    #expect(text([op(0x9e, 2, 0, .bytes([1, 2]))], frame) == "x=<optimized out>")
    #expect(text([], frame) == "x=<optimized out>")
    #expect(text(.absentAtAddress, frame) == "x=<optimized out>")
    #expect(text(.constant(.number(UInt64(bitPattern: -3))), frame) == "x=-3")
    #expect(text(.constant(.bytes([1, 0])), frame) == "x=<optimized out>")
    #expect(
      text([op(0xa0, 9, 0)], type: ValuesTypes.charPointer, frame) == "x=<synthetic pointer>")
  }

  @Test func syntheticReferences() {
    let target = Variable(
      id: EntryID(9), name: "t", type: ValuesTypes.pair,
      location: .operations([op(0x50), op(0x93, 8)]))
    let own = Variable(
      id: EntryID(8), name: "r", type: ValuesTypes.intReference,
      location: .operations([op(0xa0, 8, 0)]))
    let frame = ValuesSyntheticFrame(
      registers: [0: 0x1_0000_0002], variables: [EntryID(9): target, EntryID(8): own])
    let type = ValuesTypes.intReference
    #expect(text([op(0xa0, 9, 4)], type: type, frame) == "x=<synthetic pointer>: 1")
    #expect(
      text([op(0xa0, 9, 6)], type: type, frame) == "x=<synthetic pointer>: <optimized out>")
    // In a circle.
    #expect(text([op(0xa0, 8, 0)], type: type, frame).hasPrefix("x=<synthetic pointer>"))
    #expect(text([op(0xa0, 7, 0)], type: type, frame) == "x=<synthetic pointer>")
  }

  // MARK: Entry values

  private func function(_ name: String, id: UInt64, entry: UInt64) -> FunctionScope {
    FunctionScope(
      id: EntryID(id), name: name, frameName: name, linkageName: nil, language: .c,
      isInlined: false, location: nil, entry: entry, ranges: [entry..<entry + 16])
  }

  private func called(
    origin: EntryID? = EntryID(50), target: [DWARFOperation]? = nil, value: [DWARFOperation],
    callerRegisters: [UInt16: UInt64] = [:], registers: [UInt16: UInt64] = [:],
    mayTailCallItself: Bool = false
  ) -> ValuesSyntheticFrame {
    let graph = ValuesTypes.with()
    let caller = ValuesSyntheticFrame(graph: graph, registers: callerRegisters)
    let site = CallSite(
      returnAddress: 0x100, isTailCall: false, originLinkageName: nil, originName: nil,
      origin: origin, target: target, parameters: [.init(location: [op(0x55)], value: value)])
    return ValuesSyntheticFrame(
      graph: graph, registers: registers, function: function("f", id: 50, entry: 0x400),
      caller: CallerContext(frame: caller, callSite: site), mayTailCallItself: mayTailCallItself)
  }

  /// A parameter that was in rdi on entry and now is at `location`.
  private func argument(
    at location: VariableLocation, _ frame: ValuesSyntheticFrame
  ) -> String {
    let variable = Variable(
      id: EntryID(1), name: "x", type: ValuesTypes.int, location: location)
    let text = FrameText(
      formatter: ValueFormatter(memory: frame.memory), reader: VariableReader(frame))
    return text.arguments([.init(variable, entryLocation: .operations([op(0x55)]))])
  }

  @Test func entryValues() {
    let five = [op(0x35)]
    let rbx = VariableLocation.operations([op(0x53)])
    #expect(argument(at: rbx, called(value: five, registers: [3: 5])) == "x=x@entry=5")
    #expect(argument(at: rbx, called(value: five, registers: [3: 6])) == "x=6, x@entry=5")
    #expect(argument(at: .optimizedOut, called(value: five)) == "x=<optimized out>, x@entry=5")
    // The caller's own rbx, which it kept.
    let kept = called(value: [op(0x73, 1)], callerRegisters: [3: 7])
    #expect(argument(at: .optimizedOut, kept) == "x=<optimized out>, x@entry=8")
    #expect(argument(at: .optimizedOut, called(value: [op(0x73, 1)])) == "x=<optimized out>")
  }

  @Test func entryValuesOfAnotherCall() {
    let five = [op(0x35)]
    // The call was of another function, which then jumped here.
    #expect(
      argument(at: .optimizedOut, called(origin: EntryID(51), value: five)) == "x=<optimized out>")
    #expect(argument(at: .optimizedOut, called(origin: nil, value: five)) == "x=<optimized out>")
    // An indirect call, whose target the caller still knows.
    let here = called(origin: nil, target: [op(0x73)], value: five, callerRegisters: [3: 0x400])
    #expect(argument(at: .optimizedOut, here) == "x=<optimized out>, x@entry=5")
    let elsewhere = called(origin: nil, target: [op(0x73)], value: five, callerRegisters: [3: 4])
    #expect(argument(at: .optimizedOut, elsewhere) == "x=<optimized out>")
    #expect(
      argument(at: .optimizedOut, called(value: five, mayTailCallItself: true))
        == "x=<optimized out>")
  }

  @Test func entryValueOperation() {
    let entry = op(0xa3, 0, 0, .expression([op(0x55)]))
    let location = VariableLocation.operations([entry, op(0x23, 2), op(0x9f)])
    #expect(argument(at: location, called(value: [op(0x35)])) == "x=7, x@entry=5")
    #expect(argument(at: location, called(origin: nil, value: [op(0x35)])) == "x=<optimized out>")
    // Each caller passes on what it was passed: the chain is followed, but not for ever.
    var frame = called(value: [op(0x35)])
    for depth in 0..<100 {
      let site = CallSite(
        returnAddress: 0x100, isTailCall: false, originLinkageName: nil, originName: nil,
        origin: EntryID(50), target: nil,
        parameters: [.init(location: [op(0x55)], value: [entry])])
      frame = ValuesSyntheticFrame(
        graph: frame.graph, function: function("f", id: 50, entry: 0x400),
        caller: CallerContext(frame: frame, callSite: site))
      if depth == 3 {
        #expect(argument(at: .optimizedOut, frame) == "x=<optimized out>, x@entry=5")
      }
    }
    #expect(argument(at: .optimizedOut, frame) == "x=<optimized out>")
  }
}
