// How a connection is kept secret, as the code that moves the bytes sees it: a session turns plain bytes into
// those that travel and back, and touches no socket. Abstract, so that the executor, which speaks to its own
// agent in plain, does not carry a TLS library; the one that does is net/tls.h. A session belongs to one
// thread at a time; a Security may be shared by all. Tested in tests/net/tls_test.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mimas::net {

class SecureSession {
 public:
  virtual ~SecureSession() = default;

  virtual Status take(std::string_view arrived) = 0;  // bytes as they came from the socket
  virtual std::string give() = 0;                     // bytes for the socket; ask after every other call

  // One step; true once the peer is who it should be. An Error is final, and give() may hold a last word for
  // the peer.
  virtual Result<bool> shake_hands() = 0;
  // Plain bytes read; 0: none yet, or never any more, see ended().
  virtual Result<std::size_t> read(char* into, std::size_t size) = 0;
  virtual bool ended() const = 0;  // the peer said goodbye: what came is whole
  virtual bool readable() = 0;     // read() would not answer "none yet"
  virtual Status write(std::string_view plain) = 0;
  virtual void end() = 0;  // says goodbye

  // After the handshake: the common name of a certificate that the peer has shown and that we trust; empty:
  // none.
  virtual std::string peer_name() const { return {}; }
};

class Security {
 public:
  virtual ~Security() = default;
  // `peer`: the host name or numeric address the other side must prove to be; servers ask for none.
  virtual Result<std::unique_ptr<SecureSession>> begin(const std::string& peer) const = 0;
};

}  // namespace mimas::net
