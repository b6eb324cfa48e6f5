// `include`: other files of the same configuration, run in the same state. Their mistakes are told
// with their names, and do not keep the rest from being read.
import Scripting

extension ConfigurationLanguage {
  /// How deep files may include files: one may include itself.
  static var deepestInclusion: Int { 16 }

  /// Bytes of a file of the configuration.
  static var largestFile: Int { 64 << 20 }

  func defineInclude(in lua: borrowing LuaState) throws(LuaError) {
    let declarations = declarations
    var depth = 0
    try lua.stack.push(function: { stack throws(LuaError) in
      let location = declarations.location(of: stack)
      let argument = try declarations.value(at: 1, of: stack)
      guard case .string(let name) = argument else {
        let error = ValueError.expected("a path such as \"sites/*.lua\"", argument)
        declarations.complain("include: \(error.message)", at: location)
        return 0
      }
      guard depth < Self.deepestInclusion else {
        declarations.complain(
          "include \"\(name)\": files include files deeper than \(Self.deepestInclusion) levels",
          at: location)
        return 0
      }
      depth += 1
      defer { depth -= 1 }
      for file in declarations.files(named: name, at: location) {
        declarations.run(file, in: stack)
      }
      return 0
    })
    try lua.stack.setGlobal("include")
  }
}

extension Declarations {
  /// The files that `include` means: those read before, or else read now.
  fileprivate func files(named name: String, at location: LuaLocation) -> [IncludedFile] {
    if let known = included[name] { return known }
    let path = SourceFile.path(name, in: folder)
    let paths = SourceFile.isPattern(name) ? SourceFile.glob(path) : [path]
    var files: [IncludedFile] = []
    for path in paths {
      do throws(FileError) {
        let source = try SourceFile.read(path, limit: ConfigurationLanguage.largestFile)
        files.append(IncludedFile(path: path, source: source))
      } catch {
        complain("include \"\(name)\": cannot open \(path): \(error)", at: location)
      }
    }
    included[name] = files
    return files
  }

  fileprivate func run(_ file: IncludedFile, in stack: borrowing LuaStack) {
    do throws(LuaError) {
      try stack.load(file.source, file: file.path)
      try stack.call(arguments: 0, results: 0)
    } catch {
      complain(about: error)
    }
  }
}
