/// One line of a backtrace, as text and JSON show it.
public struct FrameReport: Codable, Hashable, Sendable {
  /// Counts from 0, the innermost; inlined functions count.
  public var level: Int
  /// The program counter, in hexadecimal with `0x`.
  public var pc: String
  /// The text form shows the address: the program counter isn't at the start of a line.
  public var showsAddress: Bool
  /// Nil where nothing names the code.
  public var function: String?
  /// How many bytes the program counter lies beyond the symbol `symbol`; nil without one.
  public var offset: UInt64?
  /// The nearest symbol, as stored: mangled, with no parameters.
  public var symbol: String?
  /// The function was inlined into the next line's.
  public var inlined: Bool
  /// The frame is one that the kernel made for a signal handler.
  public var signalFrame: Bool
  /// What stands between the parentheses; nil without debug information.
  public var arguments: String?
  /// The visible local variables as gdb's `backtrace full` prints them, a line each; nil unless they
  /// were asked for.
  public var locals: String?
  /// The source file as the compiler recorded it.
  public var file: String?
  public var line: UInt32?
  /// The path of the module that holds the code.
  public var module: String?
  /// What the text form prints behind "from": a library, under the name that the dynamic linker
  /// knows it by. Nil for the program's own code, and where the line is known.
  public var library: String?
  /// How the frame was found: "initial", ".eh_frame", "frame pointer", …
  public var evidence: String
  /// This frame, or one further in, was found by a guess.
  public var guess: Bool
  /// Which of a kernel's stacks the frame is on; nil elsewhere.
  public var stack: String?
  /// The registers of the code that this frame interrupted; nil for frames that were called.
  public var savedRegisters: SavedRegistersReport?

  public init(
    level: Int, pc: String, showsAddress: Bool, function: String?, offset: UInt64? = nil,
    symbol: String? = nil, inlined: Bool = false, signalFrame: Bool = false,
    arguments: String? = nil, locals: String? = nil, file: String? = nil,
    line: UInt32? = nil, module: String? = nil, evidence: String, guess: Bool = false
  ) {
    self.level = level
    self.pc = pc
    self.showsAddress = showsAddress
    self.function = function
    self.offset = offset
    self.symbol = symbol
    self.inlined = inlined
    self.signalFrame = signalFrame
    self.arguments = arguments
    self.locals = locals
    self.file = file
    self.line = line
    self.module = module
    self.evidence = evidence
    self.guess = guess
  }
}

extension FrameReport {
  /// The line as gdb's `backtrace` prints it, and below it the locals as `backtrace full` does.
  public func text(_ style: TextStyle, raw: Bool = false, explain: Bool = false) -> String {
    // Two digits and a space, as gdb has it; more digits move the rest.
    let number = "#\(level)".padding(to: 3) + " "
    if signalFrame { return number + style.paint("<signal handler called>", .faint) }
    var line = number
    if showsAddress || raw { line += style.paint(paddedAddress, .address) + " in " }
    line += style.paint(function ?? "??", .function)
    if raw, let offset { line += "+\(offset)" }
    if !raw || arguments != nil {
      line += " (" + TextStyle.visible(arguments ?? "") + ")"
    }
    if let file, let number = self.line, !raw {
      line += " at " + style.paint(file, .file) + ":\(number)"
    } else if let origin = raw ? module : library {
      line += " from " + style.paint(origin, .file)
    }
    if guess { line += style.paint(" [guess: \(evidence)]", .warning) }
    if explain, !guess {
      line += style.paint(" [\(evidence)\(stack.map { ", \($0)" } ?? "")]", .faint)
    }
    var lines = [line]
    if let locals, !raw {
      lines += locals.split(separator: "\n").map { TextStyle.visible(String($0)) }
    }
    if let savedRegisters { lines.append(savedRegisters.text(style)) }
    return lines.joined(separator: "\n")
  }

  /// The address with the 16 digits that gdb pads to.
  private var paddedAddress: String {
    let digits = pc.dropFirst(2)
    return "0x" + String(repeating: "0", count: max(0, 16 - digits.count)) + digits
  }
}

extension String {
  /// The text with spaces behind it up to `width` characters.
  func padding(to width: Int) -> String {
    count < width ? self + String(repeating: " ", count: width - count) : self
  }
}
