extension AcceptedDifference {
  /// Every way in which Varve's backtraces of the laboratory's dumps aren't gdb's.
  static let all: [AcceptedDifference] = []
}
