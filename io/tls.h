#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/hash.h"
#include "core/result.h"
#include "io/url.h"

struct ssl_ctx_st;

namespace shoal::io {

/// A certificate and its private key, in PEM.
struct CertificateFiles {
    std::filesystem::path certificate;
    std::filesystem::path key;
};

/// Makes an ECDSA P-256 key and a certificate for `host` (a name or an address) that it signs
/// itself, valid for ten years; the key file has mode 0600. Existing files are kept and nothing is
/// made. invalid: not a host. unavailable, denied, exhausted: a file cannot be written.
Status make_self_signed(const CertificateFiles&, const std::string& host);

/// SHA-256 of a certificate's DER SubjectPublicKeyInfo: what a client is given as
/// `#sha256=…` to know this server by. The errors of read_file; corrupt: not a certificate.
Result<Hash> pin_of(const std::filesystem::path& certificate);

/// What either end of a TLS 1.3 connection stands on; copies share it.
class TlsContext {
public:
    explicit TlsContext(std::shared_ptr<ssl_ctx_st> context) : context_(std::move(context)) {}
    ssl_ctx_st* native() const { return context_.get(); }

private:
    std::shared_ptr<ssl_ctx_st> context_;
};

/// For a server. not_found, denied: a file cannot be read. corrupt: not a certificate or a key.
/// invalid: the key is not the certificate's.
Result<TlsContext> server_tls(const CertificateFiles&);

/// For a client of one server, which it knows by its pin, or else by the system's roots and its
/// name. A server that is neither ends the handshake; there is no other way to trust.
/// unavailable: the system's roots cannot be read.
Result<TlsContext> client_tls(const BaseUrl&);

}  // namespace shoal::io
