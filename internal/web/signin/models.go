package signin

import (
	"encoding/hex"
	"fmt"
	"io"

	"github.com/go-webauthn/webauthn/metadata"
	"github.com/google/uuid"
)

// Models are names of authenticators by their AAGUID.
type Models map[[16]byte]string

// maxModels bounds the file of names: that of 2026 has 10 MB.
const maxModels = 64 << 20

// ReadModels reads names from a blob of the FIDO Metadata Service (version 3): a JWT
// whose certificates lead to the root, base64 of DER; "" is FIDO's own. Names are only
// shown: no key is refused for what the blob says of it, or for being unknown to it.
func ReadModels(r io.Reader, root string) (Models, error) {
	blob, err := io.ReadAll(io.LimitReader(r, maxModels+1))
	if err != nil {
		return nil, fmt.Errorf("FIDO metadata: %w", err)
	}
	if len(blob) > maxModels {
		return nil, fmt.Errorf("FIDO metadata: more than %d bytes", maxModels)
	}
	options := []metadata.DecoderOption{metadata.WithIgnoreEntryParsingErrors()}
	if root != "" {
		options = append(options, metadata.WithRootCertificate(root))
	}
	d, err := metadata.NewDecoder(options...)
	if err != nil {
		return nil, fmt.Errorf("FIDO metadata: %w", err)
	}
	payload, err := d.DecodeBytes(blob)
	if err != nil {
		return nil, fmt.Errorf("FIDO metadata: %w; hint: the file is the blob as https://mds3.fidoalliance.org gives it", err)
	}
	out := Models{}
	for _, e := range payload.Entries {
		if id, err := uuid.Parse(e.AaGUID); err == nil && e.MetadataStatement.Description != "" {
			out[id] = e.MetadataStatement.Description
		}
	}
	return out, nil
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
	return uuid.UUID(b).String()
}
