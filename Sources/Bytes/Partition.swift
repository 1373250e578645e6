/// How many of the indices `0..<count` come before the first for which `isBefore` is false: a binary
/// search.
@inlinable
public func partition(_ count: Int, _ isBefore: (Int) -> Bool) -> Int {
  var low = 0
  var high = count
  while low < high {
    let middle = (low + high) / 2
    if isBefore(middle) { low = middle + 1 } else { high = middle }
  }
  return low
}
