import CIberty

/// Turns mangled symbol names back into source names.
public enum Demangler {
  /// Longer names are left as they are: libiberty works on the stack, in proportion to the length.
  public static let inputLimit = 4096
  /// Names that would grow longer than this are left as they are.
  public static let outputLimit = 64 * 1024

  /// How much of a C++ name is wanted.
  public enum Style: Sendable {
    /// Scopes, name and parameter types, without a template function's return type: what gdb shows.
    case full
    /// Scopes and name only.
    case withoutParameters
  }

  /// The source form of `symbol` in whichever scheme mangled it (Itanium C++, Rust, Swift). Nil if
  /// it isn't mangled, or exceeds a limit.
  ///
  /// A name must come from a file that the analyst supplied: what is parsed here is parsed by C and
  /// C++ libraries.
  public static func demangle(_ symbol: String, style: Style = .full) -> String? {
    let utf8 = symbol.utf8
    guard utf8.count <= inputLimit, !utf8.contains(0) else { return nil }
    if symbol.hasPrefix("$s") || symbol.hasPrefix("_$s") || symbol.hasPrefix("$S") {
      return swift(symbol)
    }
    if symbol.hasPrefix("_R") || isLegacyRust(symbol) {
      return iberty(symbol, options: DMGL_PARAMS, isRust: true)
    }
    return cPlusPlus(symbol, style: style)
  }

  /// The source form of an Itanium C++ ABI name; nil if it is none.
  public static func cPlusPlus(_ symbol: String, style: Style = .full) -> String? {
    guard symbol.hasPrefix("_Z"), symbol.utf8.count <= inputLimit, !symbol.utf8.contains(0) else {
      return nil
    }
    // gdb's choice: qualifiers, abbreviations such as `std::string` spelled out, no return types of
    // template functions.
    let options =
      switch style {
      case .full: DMGL_PARAMS | DMGL_ANSI | DMGL_VERBOSE | DMGL_RET_DROP
      case .withoutParameters: DMGL_ANSI | DMGL_VERBOSE | DMGL_RET_DROP
      }
    return iberty(symbol, options: options, isRust: false)
  }

  /// Rust's older scheme borrows C++'s and ends in a hash: `17h` and 16 hexadecimal digits
  /// (rustc, legacy symbol mangling).
  private static func isLegacyRust(_ symbol: String) -> Bool {
    guard symbol.hasPrefix("_ZN"), symbol.hasSuffix("E") else { return false }
    let hash = symbol.utf8.dropLast().suffix(19)
    return hash.count == 19 && hash.starts(with: "17h".utf8)
      && hash.dropFirst(3).allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  private static func iberty(_ symbol: String, options: Int32, isRust: Bool) -> String? {
    // Safe: the name is NUL-terminated for the call, and the shim writes at most `outputLimit` bytes,
    // whose number it gives.
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: outputLimit) { buffer in
      let count = unsafe buffer.withMemoryRebound(to: CChar.self) { characters in
        unsafe symbol.withCString { mangled in
          unsafe varve_demangle(mangled, options, isRust, characters.baseAddress, outputLimit)
        }
      }
      guard count > 0 else { return nil }
      return unsafe String(decoding: buffer.prefix(count), as: UTF8.self)
    }
  }

  private static func swift(_ symbol: String) -> String? {
    var symbol = symbol
    // Safe: the runtime reads `count` bytes of the name, and writes at most `size` bytes with a NUL.
    return symbol.withUTF8 { name in
      unsafe name.withMemoryRebound(to: CChar.self) { characters -> String? in
        var size = outputLimit
        let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: outputLimit)
        defer { unsafe buffer.deallocate() }
        guard
          let result = unsafe runtimeDemangle(
            characters.baseAddress, characters.count, buffer, &size, 0)
        else { return nil }
        let text = unsafe String(cString: result)
        // What only looks like a mangled name comes back unchanged.
        return unsafe characters.elementsEqual(text.utf8.map { CChar(bitPattern: $0) }) ? nil : text
      }
    }
  }
}

/// The Swift runtime's own demangler (`swift/Demangling/Demangle.h`): writes at most
/// `*outputSize` bytes and gives `output` back, or nil if the name isn't Swift's.
@_silgen_name("swift_demangle")
private func runtimeDemangle(
  _ name: UnsafePointer<CChar>?, _ length: Int, _ output: UnsafeMutablePointer<CChar>?,
  _ outputSize: UnsafeMutablePointer<Int>?, _ flags: UInt32
) -> UnsafeMutablePointer<CChar>?
