internal import FoundationEssentials

/// QEMU takes some options as JSON as well.
enum JSONText {
  /// The text that the object `json` has under `key`; nil if it isn't meant as an object, or has none.
  /// Throws `.commandLine` if it is a damaged one.
  static func member(_ key: String, of json: String) throws(ReplayError) -> String? {
    guard json.hasPrefix("{") else { return nil }
    do {
      return try JSONDecoder().decode(Members.self, from: Data(json.utf8)).texts[key]
    } catch {
      throw .commandLine("\(json) is no JSON object")
    }
  }

  /// The members of an object that are texts.
  private struct Members: Decodable {
    var texts: [String: String] = [:]

    struct Key: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }
      init?(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      for key in container.allKeys {
        do { texts[key.stringValue] = try container.decode(String.self, forKey: key) } catch {
          // Not a text.
          continue
        }
      }
    }
  }
}
