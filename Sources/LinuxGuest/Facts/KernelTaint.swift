/// What the kernel says of its own trustworthiness: `tainted_mask` (kernel/panic.c).
public struct KernelTaint: Hashable, Sendable {
  /// One reason.
  public struct Flag: Hashable, Sendable {
    /// The bit's number.
    public let bit: Int
    /// The letter that oopses print; nil for a bit that no kernel up to 7.0 uses.
    public let letter: Character?
    /// In words.
    public let meaning: String
  }

  /// As in `/proc/sys/kernel/tainted`.
  public let mask: UInt64

  public init(mask: UInt64) { self.mask = mask }

  /// The reasons, by the number of their bits.
  public var flags: [Flag] {
    (0..<64).filter { mask >> UInt64($0) & 1 == 1 }.map { bit in
      guard bit < Self.table.count else {
        return Flag(bit: bit, letter: nil, meaning: "a flag that isn't known")
      }
      return Flag(bit: bit, letter: Self.table[bit].letter, meaning: Self.table[bit].meaning)
    }
  }

  /// The letters as oopses print them, without the spaces; `G` stands for the absence of `P`.
  public var letters: String {
    guard mask != 0 else { return "" }
    return (mask & 1 == 0 ? "G" : "") + flags.compactMap(\.letter).map(String.init).joined()
  }

  /// By the number of the bit: `taint_flags` in kernel/panic.c, meanings by
  /// Documentation/admin-guide/tainted-kernels.rst. A bit has never changed its meaning; 17 came with
  /// 5.0, 18 with 6.0, 19 with 6.15.
  static let table: [(letter: Character, meaning: String)] = [
    ("P", "a proprietary module was loaded"),
    ("F", "a module was loaded by force"),
    ("S", "a processor outside its specification, or not fit for several CPUs"),
    ("R", "a module was unloaded by force"),
    ("M", "a machine check was reported"),
    ("B", "a bad page, or unexpected flags of one"),
    ("U", "a program asked for it"),
    ("D", "the kernel died before: an oops or BUG"),
    ("A", "an ACPI table was replaced by the user"),
    ("W", "a warning was given"),
    ("C", "a staging driver was loaded"),
    ("I", "a bug of the firmware is worked around"),
    ("O", "a module from outside the kernel's tree was loaded"),
    ("E", "a module without a signature was loaded"),
    ("L", "a CPU was stuck (soft lockup)"),
    ("K", "the kernel was patched while it ran"),
    ("X", "the distributor's own flag"),
    ("T", "built with structures laid out at random"),
    ("N", "tests run in the kernel"),
    ("J", "a debugging interface of fwctl was used"),
  ]
}
