extension AcceptedDifference {
  /// Every way in which Varve's backtraces of the laboratory's dumps aren't gdb's or eu-stack's.
  static let all = beyondMain + entryValues + gdbsNames + gdbsPrinting + guesses + elfutils

  // MARK: Frames further out

  private static let start = ["__libc_start_call_main", "__libc_start_main_impl", "_start"]

  private static let beyondMain = [
    AcceptedDifference(
      kind: .frame, function: .oneOf(start), theirs: .nothing,
      because: "gdb stops at main; Varve shows who called it"),
    AcceptedDifference(
      kind: .frame, cores: .beginning("core-stripped-"),
      function: .oneOf(["??", "__libc_start_main"]), theirs: .nothing,
      because: "the same, with no names but those that the C library exports"),
    AcceptedDifference(
      kind: .frame, cores: .exactly("program-threads-build-id"),
      function: .oneOf(["??", "__libc_start_main"]), theirs: .nothing,
      because: "the same: of the C library there is no debug information here"),
    AcceptedDifference(
      kind: .frame, cores: .exactly("core-ucontext-in-coroutine"), function: .exactly("??"),
      ours: .nothing,
      because: "gdb walks on from a coroutine's outermost frame to what happens to lie above it"),
  ]

  // MARK: Values at entry

  /// Programs whose main, or a function that main jumped to, is reached by the C library's indirect
  /// call.
  private static let mainIsMissing = [
    "program-handlers", "program-first-instruction", "program-leaf", "program-null-call",
    "program-noreturn", "program-dynamic-frames", "program-without-cfi", "program-inlines",
    "program-tail-calls", "program-recursion",
  ]

  private static let entryValues = [
    AcceptedDifference(
      kind: .frame, cores: .oneOf(mainIsMissing), function: .exactly("main"), theirs: .nothing,
      because: "main left by a tail call; gdb finds such frames only below direct calls"),
    AcceptedDifference(
      kind: .entryValue, cores: .oneOf(mainIsMissing),
      because: "what main passed on is known from the frame of main that gdb doesn't find"),
    AcceptedDifference(
      kind: .argument, function: .oneOf(["down", "overflow"]), theirs: .containing("Loop detected"),
      ours: .exactly("<optimized out>"),
      because: "the value hangs on hundreds of callers: gdb's error, to Varve merely unknown"),
    AcceptedDifference(
      kind: .argument, function: .oneOf(["down", "overflow"]),
      variable: .oneOf(["sum@entry", "depth@entry"]), theirs: .containing("Loop detected"),
      ours: .nothing, because: "the same, of a value that is known but for its entry"),
    AcceptedDifference(
      kind: .argument, cores: .exactly("program-library"), function: .exactly("called_back"),
      variable: .oneOf(["value", "state"]),
      theirs: .exactly("<error reading variable: value has been optimized out>"),
      ours: .exactly("<optimized out>"), because: "one fact, told by gdb as an error"),
    AcceptedDifference(
      kind: .argument, cores: .exactly("program-values-cxx-O2"),
      variable: .oneOf(["fallback@entry", "reference@entry"]),
      theirs: .containing("<optimized out>"),
      ours: .nothing,
      because: "that nothing is known of what a reference led to at entry says nothing"),
    AcceptedDifference(
      kind: .argument, cores: .exactly("program-values-cxx-O2"), variable: .exactly("nothing"),
      theirs: .exactly("nothing@entry=<incomplete type>"),
      because: "gdb has several errors for nullptr_t, which holds nothing"),
  ]

  // MARK: Names

  private static let gdbsNames = [
    AcceptedDifference(
      kind: .function, cores: .beginning("program-values-cxx"),
      function: .containing("<lambda(int)>"),
      because: "gdb leaves the parameters on names that its own parser can't read"),
    AcceptedDifference(
      kind: .function, cores: .beginning("program-values-cxx"),
      function: .exactly("std::function<int (int)>::operator()(int) const"),
      ours: .exactly("std::function<int (int)>::operator()"), because: "the same"),
    AcceptedDifference(
      kind: .local, cores: .beginning("program-values-cxx"), variable: .exactly("call"),
      theirs: .containing("<lambda(int)>"), ours: .containing("{lambda(int)#1}"),
      because: "gdb names the lambda by its type's description, Varve as the ABI does"),
    AcceptedDifference(
      kind: .function, cores: .exactly("program-threads-mini"), function: .exactly("die[cold]"),
      ours: .exactly("die.cold"), because: "gdb takes the symbol for one of Ada's"),
    AcceptedDifference(
      kind: .argument, cores: .beginning("program-values"), function: .exactly("strings"),
      variable: .oneOf(["bytes", "signs"]), ours: .containing("s."),
      because: "gdb takes bytes.1 and signs.0 for Ada's, and drops the number"),
    AcceptedDifference(
      kind: .argument, cores: .exactly("program-null-call"), function: .exactly("use"),
      variable: .exactly("operations"), theirs: .containing("<empty>"),
      ours: .containing("<empty.0>"), because: "the same of empty.0"),
  ]

  // MARK: Values

  private static let gdbsPrinting = [
    AcceptedDifference(
      kind: .local, function: .exactly("start_thread"), variable: .exactly("out"),
      theirs: .exactly("<optimized out>"), ours: .nothing,
      because: "a label that the compiler dropped; gdb lists it as a variable"),
    AcceptedDifference(
      kind: .local, function: .exactly("__pthread_cond_wait_common"), variable: .exactly("done"),
      theirs: .exactly("<optimized out>"), ours: .nothing, because: "another such label"),
    AcceptedDifference(
      kind: .argument, cores: .beginning("program-values"), function: .exactly("strings"),
      variable: .exactly("escapes"), theirs: .containing("2 hig\", <incomplete sequence"),
      ours: .containing("2 high\", <incomplete sequence"),
      because: "gdb loses the character before an incomplete one"),
    AcceptedDifference(
      kind: .argument, cores: .beginning("program-values-cxx"),
      variable: .oneOf(["name", "numbers", "owner"]),
      because: "libstdc++'s own printers, in Python, show containers as values"),
    AcceptedDifference(
      kind: .local, cores: .beginning("program-values-cxx"), variable: .exactly("table"),
      theirs: .beginning("std::map"), because: "the same"),
    AcceptedDifference(
      kind: .local, cores: .exactly("program-overflow"), variable: .exactly("room"),
      theirs: .beginning("'\\000' <repeats"), ours: .containing("Cannot access memory"),
      because: "the guard page isn't in the dump; gdb makes zeros up"),
  ]

  // MARK: Guesses

  private static let withGuesses = ["program-null-call", "program-without-cfi"]

  private static let guesses = [
    AcceptedDifference(
      kind: .guess, cores: .oneOf(withGuesses),
      because: "no unwind information leads there; gdb guesses too, but doesn't say so"),
    AcceptedDifference(
      kind: .argument, cores: .exactly("program-without-cfi"), function: .oneOf(start),
      variable: .exactly("argv"),
      because: "it is in a register that the functions without unwind information may have changed"),
  ]

  // MARK: eu-stack

  private static let elfutils = [
    AcceptedDifference(
      kind: .programCounters, function: .exactly("code_gen_buffer"), theirs: .nothing,
      because: "eu-stack has no way out of code that was generated at run time"),
    AcceptedDifference(
      kind: .programCounters, cores: .exactly("program-null-call"), theirs: .nothing,
      because: "eu-stack has no way back from a call to nowhere"),
    AcceptedDifference(
      kind: .programCounters, cores: .exactly("program-plt-resolver"),
      function: .exactly("_dl_runtime_resolve_xsavec"), theirs: .nothing,
      because: "eu-stack can't follow the resolver's realigned stack"),
  ]
}
