#include "io/tls.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "core/check.h"
#include "io/files.h"

namespace shoal::io {

namespace {

constexpr std::uint64_t pem_bytes_max = 1 << 20;

template <auto Free>
struct Release {
    template <class T>
    void operator()(T* thing) const {
        Free(thing);
    }
};
using CertificateRef = std::unique_ptr<X509, Release<X509_free>>;
using KeyRef = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using MemoryRef = std::unique_ptr<BIO, Release<BIO_free_all>>;
using ExtensionRef = std::unique_ptr<X509_EXTENSION, Release<X509_EXTENSION_free>>;

MemoryRef memory_of(const std::string& text) {
    return MemoryRef(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string text_of(BIO& memory) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(&memory, &data);
    return {data, static_cast<std::size_t>(size)};
}

/// What OpenSSL says was wrong, and clears it.
std::string reason() {
    const unsigned long number = ERR_peek_last_error();
    ERR_clear_error();
    const char* text = ERR_reason_error_string(number);
    return text == nullptr ? "unknown reason" : text;
}

bool is_address(const std::string& host) {
    std::array<unsigned char, 16> address{};
    return inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
           inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

Hash pin_of(X509& certificate) {
    std::uint8_t* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &der);
    check(size > 0);
    const Hash pin = sha256(ByteView(der, static_cast<std::size_t>(size)));
    OPENSSL_free(der);
    return pin;
}

void add_extension(X509& certificate, int kind, const std::string& value) {
    const ExtensionRef extension(X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
    check(extension != nullptr && X509_add_ext(&certificate, extension.get(), -1) == 1);
}

Result<CertificateRef> certify(EVP_PKEY& key, const std::string& host) {
    constexpr long ten_years = 3'650L * 86'400;
    CertificateRef certificate(X509_new());
    std::uint64_t serial = 0;
    check(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1U);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3'600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), ten_years);
    X509_set_pubkey(certificate.get(), &key);
    X509_NAME* name = X509_get_subject_name(certificate.get());
    const std::string common = host.substr(0, 64);  // a common name is no longer
    const auto* bytes = reinterpret_cast<const unsigned char*>(common.data());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, bytes, static_cast<int>(common.size()),
                               -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    add_extension(*certificate, NID_subject_alt_name, (is_address(host) ? "IP:" : "DNS:") + host);
    add_extension(*certificate, NID_basic_constraints, "critical,CA:FALSE");
    if (X509_sign(certificate.get(), &key, EVP_sha256()) == 0) {
        return Error{Code::unavailable, "cannot sign a certificate: " + reason()};
    }
    return certificate;
}

using ContextRef = std::shared_ptr<ssl_ctx_st>;

ContextRef make_context(const SSL_METHOD* method) {
    ContextRef context(SSL_CTX_new(method), Release<SSL_CTX_free>{});
    check(context != nullptr);
    check(SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) == 1);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context.get(), 1);  // else each record is read in two pieces
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // peers keep their tickets
    return context;
}

/// The whole of the verification of a server that is known by its pin.
int verify_pin(X509_STORE_CTX* store, void* argument) {
    const Hash& wanted = *static_cast<const Hash*>(argument);
    X509* certificate = X509_STORE_CTX_get0_cert(store);
    const bool matches = certificate != nullptr && pin_of(*certificate) == wanted;
    X509_STORE_CTX_set_error(store, matches ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return matches ? 1 : 0;
}

TlsContext pinned(const Hash& pin) {
    auto context = make_context(TLS_client_method());
    auto kept = std::make_shared<Hash>(pin);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(context.get(), verify_pin, kept.get());
    SSL_CTX* native = context.get();
    // The pin lives as long as the context.
    return TlsContext(ContextRef(native, [context = std::move(context), kept](SSL_CTX*) {}));
}

}  // namespace

Status make_self_signed(const CertificateFiles& files, const std::string& host) {
    const bool there = std::filesystem::exists(files.certificate);
    if (there && std::filesystem::exists(files.key)) return Done{};
    const bool is_name = host.find_first_not_of(
                             "abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:") == std::string::npos;
    if (host.empty() || host.size() > 253 || !is_name) {
        return Error{Code::invalid, "expected the name or address of this machine"};
    }
    const KeyRef key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    if (key == nullptr) return Error{Code::unavailable, "cannot make a key: " + reason()};
    const CertificateRef certificate = TRY(certify(*key, host));

    const MemoryRef key_text(BIO_new(BIO_s_mem()));
    const MemoryRef certificate_text(BIO_new(BIO_s_mem()));
    check(PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                   nullptr) == 1);
    check(PEM_write_bio_X509(certificate_text.get(), certificate.get()) == 1);
    TRY(write_secret(files.key, text_of(*key_text)));
    return write_file(files.certificate, text_of(*certificate_text));
}

Result<Hash> pin_of(const std::filesystem::path& path) {
    const std::string text = TRY(read_file(path, pem_bytes_max));
    const MemoryRef memory = memory_of(text);
    const CertificateRef certificate(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) {
        return Error{Code::corrupt, path.string() + ": expected a certificate in PEM"};
    }
    return pin_of(*certificate);
}

Result<TlsContext> server_tls(const CertificateFiles& files) {
    for (const auto& path : {files.certificate, files.key}) {
        TRY(open_file(path, O_RDONLY));  // the reason why not, in our words
    }
    auto context = make_context(TLS_server_method());
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
        return Error{Code::corrupt, files.certificate.string() + ": " + reason()};
    }
    if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        const bool mismatch = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
        const Code code = mismatch ? Code::invalid : Code::corrupt;
        return Error{code, files.key.string() + ": " + reason()};
    }
    return TlsContext(std::move(context));
}

Result<TlsContext> client_tls(const BaseUrl& server) {
    if (server.pin) return pinned(*server.pin);
    auto context = make_context(TLS_client_method());
    if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
        return Error{Code::unavailable, "cannot read the system's certificates: " + reason()};
    }
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    X509_VERIFY_PARAM* wanted = SSL_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const bool set = is_address(server.host)
                         ? X509_VERIFY_PARAM_set1_ip_asc(wanted, server.host.c_str()) == 1
                         : X509_VERIFY_PARAM_set1_host(wanted, server.host.c_str(), 0) == 1;
    if (!set) return Error{Code::invalid, "not the name of a server: " + server.host};
    return TlsContext(std::move(context));
}

}  // namespace shoal::io
