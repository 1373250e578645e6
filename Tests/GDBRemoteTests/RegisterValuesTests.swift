import GDBRemote
import Testing

@Suite struct RegisterValuesTests {
  private let description = TargetDescription(
    architecture: "toy", triple: "toy",
    features: [
      .init(
        "one",
        registers: [
          .init("a", bits: 64, type: "int64"), .init("b", bits: 32, type: "int32"),
        ]), .init("two", registers: [.init("c", bits: 80, type: "i387_ext")]),
    ], expedited: ["c", "nothing", "a"])

  @Test func layoutFollowsTheOrderOfFeatures() {
    #expect(description.offsets == [0, 8, 12, 22])
    #expect(description.size == 22)
    #expect(description.expedited == [2, 0])
    #expect(description.number(of: "b") == 1)
    #expect(description.number(of: "d") == nil)
  }

  @Test func unknownIsNotZero() {
    var values = RegisterValues(description)
    #expect(values["a"] == nil)
    values["a"] = 0
    #expect(values["a"] == 0)
    #expect(values[0] == [UInt8](repeating: 0, count: 8))
    values["a"] = nil
    #expect(values[0] == nil)
    #expect(values == RegisterValues(description))
  }

  @Test func numbersAreLittleEndianAndCut() {
    var values = RegisterValues(description)
    values["b"] = 0x1_2233_4455
    #expect(values[1] == [0x55, 0x44, 0x33, 0x22])
    values["c"] = 0x8000_0000_0000_0001
    #expect(values[2] == [1, 0, 0, 0, 0, 0, 0, 0x80, 0, 0])
    #expect(values["c"] == nil)
    values[1] = [1, 2]
    values[3] = [1]
    values[-1] = [1]
    #expect(values["b"] == 0x2233_4455)
  }

  @Test func aShortPacketLeavesTheRestUnknown() {
    let values = RegisterValues(description, packet: Array(1...13))
    #expect(values["a"] == 0x0807_0605_0403_0201)
    #expect(values["b"] == 0x0c0b_0a09)
    #expect(values[2] == nil)
  }
}
