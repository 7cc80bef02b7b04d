package signin

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-webauthn/webauthn/metadata"
)

// Models are names of authenticators by their AAGUID.
type Models map[[16]byte]string

// maxModels bounds the file of names: that of 2026 has 10 MB.
const maxModels = 64 << 20

// ReadModels reads names from a blob of the FIDO Metadata Service (version 3, section
// 3.1.7): a JWT whose certificates lead to the root, base64 of DER; "" is FIDO's own. It
// asks nobody on the network. Names are only shown, so they do not expire with the
// certificate, and no key is refused for what the blob says of it.
func ReadModels(r io.Reader, root string) (Models, error) {
	blob, err := io.ReadAll(io.LimitReader(r, maxModels+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("FIDO metadata: %w", err)
	case len(blob) > maxModels:
		return nil, fmt.Errorf("FIDO metadata: more than %d bytes", maxModels)
	}
	if root == "" {
		root = metadata.ProductionMDSRoot
	}
	text, err := signed(string(bytes.TrimSpace(blob)), root)
	if err != nil {
		return nil, fmt.Errorf("FIDO metadata: %w; hint: the file is the blob as https://mds3.fidoalliance.org gives it", err)
	}
	var payload struct {
		Entries []struct {
			AAGUID    string `json:"aaguid"`
			Statement struct {
				Description string `json:"description"`
			} `json:"metadataStatement"`
		} `json:"entries"`
	}
	if err := json.Unmarshal(text, &payload); err != nil {
		return nil, fmt.Errorf("FIDO metadata: %w", err)
	}
	out := Models{}
	for _, e := range payload.Entries {
		id, err := hex.DecodeString(strings.ReplaceAll(e.AAGUID, "-", ""))
		if err == nil && len(id) == 16 && e.Statement.Description != "" {
			out[[16]byte(id)] = e.Statement.Description
		}
	}
	return out, nil
}

// signed gives what a JWT says, if its certificates lead to the root.
func signed(blob, root string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(blob, []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.PS256})
	if err != nil {
		return nil, err
	}
	trusted := x509.NewCertPool()
	der, err := base64.StdEncoding.DecodeString(root)
	if err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	anchor, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	trusted.AddCert(anchor)
	leaf, between, err := chain(blob)
	if err != nil {
		return nil, err
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: trusted, Intermediates: between, CurrentTime: leaf.NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return nil, err
	}
	return jws.Verify(leaf.PublicKey)
}

// chain reads the certificates in the head of a JWT (RFC 7515, section 4.1.6).
func chain(blob string) (*x509.Certificate, *x509.CertPool, error) {
	head, _, _ := strings.Cut(blob, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return nil, nil, err
	}
	var h struct {
		Chain [][]byte `json:"x5c"`
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return nil, nil, err
	}
	if len(h.Chain) == 0 || len(h.Chain) > 10 {
		return nil, nil, errors.New("want the certificates of who signed it")
	}
	var leaf *x509.Certificate
	between := x509.NewCertPool()
	for i, der := range h.Chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, nil, err
		}
		if i == 0 {
			leaf = c
		} else {
			between.AddCert(c)
		}
	}
	return leaf, between, nil
}

// Name is what to call an authenticator: its name if it is known, else its AAGUID. One
// of zeros says that the key does not tell its model.
func (m Models) Name(aaguid []byte) string {
	if len(aaguid) != 16 {
		return "unknown model"
	}
	id := [16]byte(aaguid)
	if id == [16]byte{} {
		return "model not told"
	}
	if name := m[id]; name != "" {
		return name
	}
	return AAGUID(aaguid)
}

// AAGUID is the identifier of a model as the FIDO documents write it.
func AAGUID(b []byte) string {
	if len(b) != 16 {
		return hex.EncodeToString(b)
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
