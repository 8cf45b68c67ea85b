#include "files/folder.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>

#include "world.h"

namespace mimas::files {
namespace {

namespace fs = std::filesystem;

std::string text_of(const File& file) {
  char bytes[64];
  const Result<std::size_t> got = file.read_at(0, bytes, sizeof bytes);
  return got.ok() ? std::string(bytes, *got) : "cannot be read";
}

void say(const File& file, std::string_view text) {
  CHECK(::write(file.descriptor(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

TEST_CASE("a file is read, written, appended to, and told of from its own descriptor") {
  const World world;
  fs::create_directories(world / "a/b");
  spill(world / "a/b/c", "0123456789");
  for (const bool steps : kWays) {
    const Way way(steps);
    const Folder folder = world.folder();
    const Result<File> file = folder.open("a/b/c", Use::read);
    REQUIRE(file.ok());
    CHECK(file->facts().size == 10);
    CHECK(file->facts().kind == Kind::regular);
    CHECK(file->facts().mtime_ms > 1'600'000'000'000);
    CHECK(text_of(*file) == "0123456789");
    char byte = 0;
    CHECK(*file->read_at(7, &byte, 1) == 1);
    CHECK(byte == '7');
    CHECK(*file->read_at(10, &byte, 1) == 0);
    CHECK((::fcntl(file->descriptor(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(file->descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
  }
  const Folder folder = world.folder();
  say(folder.open("a/b/c", Use::append).value(), "+");
  say(folder.open("a/b/c", Use::write).value(), "#");
  CHECK(slurp(world / "a/b/c") == "#123456789+");
  const File note = folder.open_or_create("note", Use::note, 0600).value();
  say(note, "one");
  say(folder.open_or_create("note", Use::note, 0600).value(), "two");
  CHECK(text_of(note) == "onetwo");
  CHECK(note.facts_now().size == 6);
  CHECK((note.facts().mode & 0777) == 0600);
}

TEST_CASE("what is no regular file of the folder's own is neither read nor written, and nothing waits") {
  const World world;
  fs::create_directory(world / "folder");
  world.link("absolute", world.outside() + "/precious");
  world.link("relative", "../outside/precious");
  world.link("folder_out", world.outside());
  world.fifo("fifo");
  world.socket("socket");
  world.second_name("second");
  const bool devices = world.device("device");
  struct Case {
    const char* name;
    Code code;
  };
  const Case cases[] = {
      {"folder", Code::unsupported},
      {"absolute", Code::permission_denied},
      {"relative", Code::permission_denied},
      {"folder_out/precious", Code::permission_denied},
      {"fifo", Code::unsupported},
      {"socket", Code::unsupported},
      {"second", Code::permission_denied},
      {"device", devices ? Code::unsupported : Code::not_found},
      {"../outside/precious", Code::invalid_argument},
  };
  for (const bool steps : kWays) {
    const Way way(steps);
    const Folder folder = world.folder();
    for (const Case& one : cases) {
      for (const Use use : {Use::read, Use::write, Use::append, Use::note}) {
        for (const Links links : {Links::refuse, Links::beneath}) {
          CAPTURE(one.name);
          const Result<File> file = folder.open(one.name, use, {links, SecondNames::refuse, {}});
          REQUIRE_FALSE(file.ok());
          CHECK(file.error().code == one.code);
        }
        if (one.code != Code::not_found) {
          CHECK_FALSE(folder.open_or_create(one.name, use, 0644).ok());
          CHECK_FALSE(folder.create(one.name, use, 0644).ok());
        }
      }
    }
  }
  CHECK(world.precious() == "precious");
}

TEST_CASE("a file that somebody holds a lease on is not waited for") {
  const World world;
  spill(world / "leased", "x");
  const int holder = ::open((world / "leased").c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(::fcntl(holder, F_SETLEASE, F_WRLCK) == 0);
  (void)::signal(SIGIO, SIG_IGN);
  errno = 0;
  CHECK_FALSE(world.folder().open("leased", Use::write).ok());
  CHECK(errno == EAGAIN);
  ::close(holder);
  CHECK(world.folder().open("leased", Use::write).ok());
}

TEST_CASE("a link that stays below, and a second name of the owner's own file, are fine where that is said") {
  const World world;
  spill(world / "file", "mine");
  world.link("near", "file");
  fs::create_hard_link(world / "file", world / "also");
  const Folder folder = world.folder();
  const Terms both{Links::beneath, SecondNames::of_owner, {}};
  for (const char* name : {"file", "near", "also"}) {
    CAPTURE(name);
    CHECK_FALSE(folder.open(name, Use::read).ok());
    CHECK(text_of(folder.open(name, Use::read, both).value()) == "mine");
  }
  if (::geteuid() != 0) return;  // nobody else gives files away
  REQUIRE(::chown(world.inside().c_str(), 7, 7) == 0);
  world.second_name("root's");
  CHECK(folder.open("root's", Use::read, both).error().message.find("second name") != std::string::npos);
}

TEST_CASE("what is asked for by its identity is that file or nothing") {
  const World world;
  spill(world / "log", "ours");
  const Folder folder = world.folder();
  const File ours = folder.open("log", Use::append).value();
  const Terms same{Links::refuse, SecondNames::refuse, ours.identity()};
  CHECK(folder.open("log", Use::read, same).ok());
  fs::rename(world / "log", world / "moved");
  spill(world / "log", "somebody's");
  CHECK_FALSE(folder.open("log", Use::read, same).ok());
  CHECK(folder.rename("log", "log.1", ours.identity()).error().code == Code::permission_denied);
  CHECK(slurp(world / "log") == "somebody's");
  CHECK(folder.discard("log", ours.identity()).ok());  // the name goes, its file is not emptied by us
  CHECK_FALSE(fs::exists(world / "log"));
  say(ours.again(Use::append).value(), ", still");
  CHECK(slurp(world / "moved") == "ours, still");
  CHECK(folder.rename("moved", "log.1", ours.identity()).ok());
  CHECK(folder.discard("log.1", ours.identity()).ok());
  CHECK(ours.facts_now().size == 0);
  CHECK(ours.facts_now().names == 0);
}

TEST_CASE("to discard a name never empties what it leads to") {
  const World world;
  const Folder folder = world.folder();
  struct stat info {};
  REQUIRE(::stat((world.outside() + "/precious").c_str(), &info) == 0);
  const Identity precious = facts_of(info).identity;  // even if somebody takes it for ours
  world.link("link", world.outside() + "/precious");
  world.second_name("second");
  world.fifo("fifo");
  for (const char* name : {"link", "second", "fifo"}) {
    CHECK(folder.discard(name, precious).ok());
    CHECK_FALSE(folder.look(name).ok());
  }
  CHECK(world.precious() == "precious");
  CHECK(folder.discard("nothing", precious).ok());
  CHECK(folder.remove("no/such/folder").ok());
  fs::create_directory(world / "d");
  CHECK(folder.remove("d").error().code == Code::io);
}

TEST_CASE("a new file is new, and a folder that is made is a folder") {
  const World world;
  const Folder folder = world.folder();
  CHECK(folder.create("new", Use::write, 0640).ok());
  CHECK(folder.create("new", Use::write, 0640).error().code == Code::conflict);
  const mode_t before = ::umask(077);
  const Result<Folder> made = folder.make_folder("d", 0755);
  ::umask(before);
  REQUIRE(made.ok());
  CHECK((made->facts().mode & 0777) == 0755);
  CHECK(made->create("e", Use::write, 0644).ok());
  CHECK(folder.create("d/f", Use::write, 0644).ok());
  CHECK(folder.make_folder("d", 0700).ok());
  world.link("out", world.outside());
  CHECK_FALSE(folder.make_folder("out", 0700).ok());
  CHECK_FALSE(folder.create("out/f", Use::write, 0644).ok());
  CHECK_FALSE(folder.rename("new", "out/f").ok());
  CHECK_FALSE(folder.make_folder("new", 0700).ok());
  CHECK(folder.make_link("l", "/anywhere").ok());
  CHECK(folder.make_link("l", "/elsewhere").ok());
  CHECK(fs::read_symlink(world / "l") == "/anywhere");
}

TEST_CASE("a listing tells of each entry itself, and stops where it is told to") {
  const World world;
  spill(world / "file", "12345");
  fs::create_directory(world / "folder");
  world.link("link", world.outside());
  world.fifo("pipe");
  world.socket("socket");
  const std::vector<Entry> all = world.folder().list().value();
  REQUIRE(all.size() == 5);
  CHECK(all[0].name == "file");
  CHECK(all[0].facts.size == 5);
  CHECK(all[1].facts.kind == Kind::folder);
  CHECK(all[2].facts.kind == Kind::link);
  CHECK(all[3].facts.kind == Kind::fifo);
  CHECK(all[4].facts.kind == Kind::socket);
  CHECK(world.folder().list(2).value().size() == 2);
  CHECK(world.folder().look("link").value().kind == Kind::link);
  CHECK_FALSE(world.folder().look("link", Links::beneath).ok());
}

TEST_CASE("the folder itself may be no link, and stays the same when its name is given to another") {
  const World world;
  fs::create_directory_symlink(world.outside(), world / "link");
  CHECK_FALSE(Folder::at(world / "link").ok());
  CHECK(Folder::at(world / "nothing").error().code == Code::not_found);
  fs::create_directory(world / "sub");
  spill(world / "sub/file", "x");
  const Folder sub = world.folder().enter("sub").value();
  CHECK(sub.path() == world / "sub");
  fs::rename(world / "sub", world / "moved");
  fs::create_directory_symlink(world.outside(), world / "sub");
  CHECK(sub.open("file", Use::read).ok());
  CHECK_FALSE(sub.open("precious", Use::read).ok());
  CHECK_FALSE(world.folder().enter("sub").ok());
  CHECK_FALSE(world.folder().enter("sub", Links::beneath).ok());
}

}  // namespace
}  // namespace mimas::files
