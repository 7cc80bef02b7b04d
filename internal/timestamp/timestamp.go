// Package timestamp asks for time stamps and checks them (RFC 3161, signed data of RFC
// 5652): the digest of something goes in, and when an authority says to have seen it
// comes out. It takes DER alone, as RFC 3161 demands, and no algorithm weaker than
// SHA-256 for what is signed.
package timestamp

import (
	"bytes"
	"crypto"
	"crypto/sha1" // of certificates, in signing-certificate attributes of RFC 2634
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// MaxResponse bounds a response, bytes: a token with a chain of certificates has about
// 6 KiB.
const MaxResponse = 64 << 10

// Media types of RFC 3161, section 3.4.
const (
	RequestType  = "application/timestamp-query"
	ResponseType = "application/timestamp-reply"
)

var (
	oidSHA256      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	oidSignedData  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidTSTInfo     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidContentType = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidDigest      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidCert        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12}
	oidCertV2      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
)

type imprint struct {
	Algorithm pkix.AlgorithmIdentifier
	Digest    []byte
}

// Request asks for a stamp on a SHA-256, with the authority's certificates. The nonce
// ties the answer to the question.
func Request(digest [sha256.Size]byte, nonce *big.Int) ([]byte, error) {
	return asn1.Marshal(struct {
		Version int
		Imprint imprint
		Nonce   *big.Int
		CertReq bool
	}{1, imprint{pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: asn1.NullRawValue}, digest[:]}, nonce, true})
}

// Stamp is a checked time stamp.
type Stamp struct {
	Time   time.Time
	Serial *big.Int
	Policy string
	Nonce  *big.Int // nil if there is none
	// Authority is the subject of the certificate that signed: hostile text.
	Authority string
}

type response struct {
	Status statusInfo
	Token  asn1.RawValue `asn1:"optional"`
}

type statusInfo struct {
	Status int
	Rest   asn1.RawValue `asn1:"optional"` // free text and failure info
	More   asn1.RawValue `asn1:"optional"`
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content signedData `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version      int
	Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
	Encapsulated encapsulated
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	CRLs         asn1.RawValue `asn1:"optional,tag:1"`
	Signers      []signer      `asn1:"set"`
}

type encapsulated struct {
	Type    asn1.ObjectIdentifier
	Content []byte `asn1:"explicit,optional,tag:0"`
}

type signer struct {
	Version  int
	ID       issuerAndSerial
	Digest   pkix.AlgorithmIdentifier
	Attrs    asn1.RawValue `asn1:"optional,tag:0"`
	Method   pkix.AlgorithmIdentifier
	Value    []byte
	Unsigned asn1.RawValue `asn1:"optional,tag:1"`
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values asn1.RawValue `asn1:"set"`
}

type info struct {
	Version    int
	Policy     asn1.ObjectIdentifier
	Imprint    imprint
	Serial     *big.Int
	Time       time.Time     `asn1:"generalized"`
	Accuracy   accuracy      `asn1:"optional"`
	Ordering   bool          `asn1:"optional"`
	Nonce      *big.Int      `asn1:"optional"`
	TSA        asn1.RawValue `asn1:"optional,tag:0"`
	Extensions asn1.RawValue `asn1:"optional,tag:1"`
}

type accuracy struct {
	Seconds int `asn1:"optional"`
	Millis  int `asn1:"optional,tag:0"`
	Micros  int `asn1:"optional,tag:1"`
}

// ErrRefused is an authority that does not stamp.
var ErrRefused = errors.New("the time-stamping authority refused")

// Check reads a response and checks that it stamps the digest: the signature, the
// certificate it names, and the certificate's chain to one of the roots at the time of
// the stamp. Whether a certificate was revoked is not asked: that needs a network.
func Check(text []byte, digest [sha256.Size]byte, roots *x509.CertPool) (*Stamp, error) {
	s, err := check(text, digest, roots)
	if err != nil {
		return nil, fmt.Errorf("time stamp: %w", err)
	}
	return s, nil
}

func check(text []byte, digest [sha256.Size]byte, roots *x509.CertPool) (*Stamp, error) {
	if roots == nil {
		return nil, errors.New("no root certificates to check it with")
	}
	data, err := parse(text)
	if err != nil {
		return nil, err
	}
	var i info
	if err := unmarshal(data.Encapsulated.Content, &i); err != nil {
		return nil, err
	}
	switch {
	case i.Version != 1:
		return nil, fmt.Errorf("version %d, want 1", i.Version)
	case !i.Imprint.Algorithm.Algorithm.Equal(oidSHA256) || !bytes.Equal(i.Imprint.Digest, digest[:]):
		return nil, errors.New("it is on something else")
	}
	cert, err := data.verify(roots, i.Time)
	if err != nil {
		return nil, err
	}
	return &Stamp{i.Time.UTC(), i.Serial, i.Policy.String(), i.Nonce, cert.Subject.String()}, nil
}

func parse(text []byte) (*signedData, error) {
	if len(text) > MaxResponse {
		return nil, fmt.Errorf("more than %d KiB", MaxResponse>>10)
	}
	var r response
	if err := unmarshal(text, &r); err != nil {
		return nil, err
	}
	if r.Status.Status != 0 && r.Status.Status != 1 { // granted, granted with modifications
		return nil, fmt.Errorf("%w: status %d", ErrRefused, r.Status.Status)
	}
	var c contentInfo
	if err := unmarshal(r.Token.FullBytes, &c); err != nil {
		return nil, err
	}
	if !c.Type.Equal(oidSignedData) || !c.Content.Encapsulated.Type.Equal(oidTSTInfo) {
		return nil, errors.New("no time-stamp token")
	}
	return &c.Content, nil
}

func unmarshal(der []byte, to any) error {
	rest, err := asn1.Unmarshal(der, to)
	if err == nil && len(rest) > 0 {
		err = errors.New("bytes after its end")
	}
	return err
}

// verify checks the only signer and gives its certificate.
func (d *signedData) verify(roots *x509.CertPool, at time.Time) (*x509.Certificate, error) {
	if len(d.Signers) != 1 {
		return nil, fmt.Errorf("%d signers, want one", len(d.Signers))
	}
	s := &d.Signers[0]
	certs, err := x509.ParseCertificates(d.Certificates.Bytes)
	if err != nil {
		return nil, err
	}
	var cert *x509.Certificate
	between := x509.NewCertPool()
	for _, c := range certs {
		if between.AddCert(c); bytes.Equal(c.RawIssuer, s.ID.Issuer.FullBytes) && c.SerialNumber.Cmp(s.ID.Serial) == 0 {
			cert = c
		}
	}
	if cert == nil {
		return nil, errors.New("the certificate of its signer is not in it")
	}
	if err := s.attributes(d.Encapsulated.Content, cert); err != nil {
		return nil, err
	}
	// What is signed is the set of attributes under its own tag (RFC 5652, section 5.4).
	signed := bytes.Clone(s.Attrs.FullBytes)
	signed[0] = asn1.TagSet | 0x20
	method, err := s.method()
	if err != nil {
		return nil, err
	}
	if err := cert.CheckSignature(method, signed, s.Value); err != nil {
		return nil, err
	}
	_, err = cert.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
	return cert, err
}

// attributes checks what the signature is about: the content, its type, and that the
// certificate is the one that was meant (RFC 3161, section 2.4.2; RFC 5816).
func (s *signer) attributes(content []byte, cert *x509.Certificate) error {
	hash, err := hashOf(s.Digest.Algorithm)
	if err != nil {
		return err
	}
	h := hash.New()
	h.Write(content)
	var seen [3]bool // type, digest, certificate
	for rest := s.Attrs.Bytes; len(rest) > 0; {
		var a attribute
		if rest, err = asn1.Unmarshal(rest, &a); err != nil {
			return err
		}
		switch {
		case a.Type.Equal(oidContentType):
			var oid asn1.ObjectIdentifier
			if err := unmarshal(a.Values.Bytes, &oid); err != nil || seen[0] || !oid.Equal(oidTSTInfo) {
				return errors.Join(errors.New("the type of its content is not signed once"), err)
			}
			seen[0] = true
		case a.Type.Equal(oidDigest):
			var sum []byte
			if err := unmarshal(a.Values.Bytes, &sum); err != nil || seen[1] || !bytes.Equal(sum, h.Sum(nil)) {
				return errors.Join(errors.New("its content is not what was signed"), err)
			}
			seen[1] = true
		case a.Type.Equal(oidCert), a.Type.Equal(oidCertV2):
			if err := meant(a, cert); err != nil {
				return err
			}
			seen[2] = true
		}
	}
	if seen != [3]bool{true, true, true} {
		return errors.New("a signed attribute is missing: content type, message digest or signing certificate")
	}
	return nil
}

// meant compares the first certificate of a signing-certificate attribute.
func meant(a attribute, cert *x509.Certificate) error {
	var list struct {
		Certs    []asn1.RawValue
		Policies asn1.RawValue `asn1:"optional"`
	}
	if err := unmarshal(a.Values.Bytes, &list); err != nil {
		return err
	}
	if len(list.Certs) == 0 {
		return errors.New("it names no certificate")
	}
	var sum, want []byte
	if a.Type.Equal(oidCert) {
		var id struct {
			Sum    []byte
			Issuer asn1.RawValue `asn1:"optional"`
		}
		if err := unmarshal(list.Certs[0].FullBytes, &id); err != nil {
			return err
		}
		own := sha1.Sum(cert.Raw)
		sum, want = id.Sum, own[:]
	} else {
		var id struct {
			Algorithm pkix.AlgorithmIdentifier `asn1:"optional"`
			Sum       []byte
			Issuer    asn1.RawValue `asn1:"optional"`
		}
		if err := unmarshal(list.Certs[0].FullBytes, &id); err != nil {
			return err
		}
		if len(id.Algorithm.Algorithm) == 0 {
			id.Algorithm.Algorithm = oidSHA256
		}
		hash, err := hashOf(id.Algorithm.Algorithm)
		if err != nil {
			return err
		}
		h := hash.New()
		h.Write(cert.Raw)
		sum, want = id.Sum, h.Sum(nil)
	}
	if !bytes.Equal(sum, want) {
		return errors.New("it was signed with another certificate than it names")
	}
	return nil
}

func hashOf(oid asn1.ObjectIdentifier) (crypto.Hash, error) {
	switch {
	case oid.Equal(oidSHA256):
		return crypto.SHA256, nil
	case oid.Equal(oidSHA384):
		return crypto.SHA384, nil
	case oid.Equal(oidSHA512):
		return crypto.SHA512, nil
	}
	return 0, fmt.Errorf("hash %s, want SHA-256, SHA-384 or SHA-512", oid)
}

// method is the signature's: with rsaEncryption the hash is the signer's digest
// algorithm (RFC 3370, section 3.2).
func (s *signer) method() (x509.SignatureAlgorithm, error) {
	hash, err := hashOf(s.Digest.Algorithm)
	if err != nil {
		return 0, err
	}
	rsa := map[crypto.Hash]x509.SignatureAlgorithm{crypto.SHA256: x509.SHA256WithRSA, crypto.SHA384: x509.SHA384WithRSA, crypto.SHA512: x509.SHA512WithRSA}
	switch oid := s.Method.Algorithm.String(); oid {
	case "1.2.840.113549.1.1.1":
		return rsa[hash], nil
	case "1.2.840.113549.1.1.11":
		return x509.SHA256WithRSA, nil
	case "1.2.840.113549.1.1.12":
		return x509.SHA384WithRSA, nil
	case "1.2.840.113549.1.1.13":
		return x509.SHA512WithRSA, nil
	case "1.2.840.10045.4.3.2":
		return x509.ECDSAWithSHA256, nil
	case "1.2.840.10045.4.3.3":
		return x509.ECDSAWithSHA384, nil
	case "1.2.840.10045.4.3.4":
		return x509.ECDSAWithSHA512, nil
	case "1.3.101.112":
		return x509.PureEd25519, nil
	default:
		return 0, fmt.Errorf("signature algorithm %s is not taken", oid)
	}
}
