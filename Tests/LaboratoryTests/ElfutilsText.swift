/// The stacks that eu-stack printed, by thread id.
struct ElfutilsStacks {
  private(set) var threads: [Int: [UInt64]] = [:]

  init(_ text: String) {
    var thread: Int?
    for line in text.split(separator: "\n") {
      if line.hasPrefix("TID ") {
        thread = Int(line.dropFirst(4).prefix { $0.isNumber })
        if let thread { threads[thread] = [] }
      } else if let thread, line.first == "#", let mark = line.firstRange(of: "0x"),
        let address = UInt64(line[mark.upperBound...].prefix { $0.isHexDigit }, radix: 16)
      {
        threads[thread]?.append(address)
      }
    }
  }
}
