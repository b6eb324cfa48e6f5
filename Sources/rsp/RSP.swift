@main
struct RSP {
  static func main() {}
}
