// Package authtest is a security key in software, with the browser in front of it, for
// tests: the options of a ceremony as JSON go in, what a page would send back comes out.
// It keeps discoverable credentials on P-256 and can misbehave in each way that a server
// must refuse.
//
// Formats: Web Authentication Level 3, sections 5.1.8 and 5.1.9 (JSON of options and of
// responses), 6.1 (authenticator data), 8.2 (packed attestation) and 8.7 (none).
package authtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Attestation is how a key vouches for a new credential.
type Attestation string

// The attestations: none, one signed with the new credential's own key, and one signed
// with a certificate of the maker, which the key makes for itself.
const (
	None        Attestation = "none"
	Self        Attestation = "self"
	Certificate Attestation = "certificate"
)

// Key is a security key. Its zero value works: it attests nothing, has the AAGUID of
// zeros, and verifies its user each time.
type Key struct {
	AAGUID      [16]byte
	Attestation Attestation // "" is None
	Transports  []string    // nil is usb
	Synced      bool        // credentials are eligible for backup, and backed up

	// What a test may set to make the key misbehave.
	Unverified bool   // user present, not verified
	Absent     bool   // user neither present nor verified
	Count      uint32 // signatures made so far, over all credentials; set it back to be a clone
	Countless  bool   // the count stays 0, as that of synced passkeys does

	credentials []credential
}

type credential struct {
	id      []byte
	rp      string
	user    []byte
	private *ecdsa.PrivateKey
}

// bytes64 is a byte string as the JSON forms carry it: base64url without padding.
type bytes64 []byte

func (b bytes64) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, b), nil
}

func (b *bytes64) UnmarshalText(text []byte) (err error) {
	*b, err = base64.RawURLEncoding.AppendDecode(nil, bytes.TrimRight(text, "="))
	return err
}

// descriptor names a credential.
type descriptor struct {
	Type string  `json:"type"`
	ID   bytes64 `json:"id"`
}

// creation is what of PublicKeyCredentialCreationOptionsJSON the key heeds.
type creation struct {
	PublicKey struct {
		RP struct {
			ID string `json:"id"`
		} `json:"rp"`
		User struct {
			ID bytes64 `json:"id"`
		} `json:"user"`
		Challenge   bytes64      `json:"challenge"`
		Exclude     []descriptor `json:"excludeCredentials"`
		Attestation string       `json:"attestation"`
	} `json:"publicKey"`
}

// request is what of PublicKeyCredentialRequestOptionsJSON the key heeds.
type request struct {
	PublicKey struct {
		RP        string       `json:"rpId"`
		Challenge bytes64      `json:"challenge"`
		Allow     []descriptor `json:"allowCredentials"`
	} `json:"publicKey"`
}

// response is RegistrationResponseJSON or AuthenticationResponseJSON.
type response struct {
	ID         bytes64        `json:"id"`
	RawID      bytes64        `json:"rawId"`
	Type       string         `json:"type"`
	Attachment string         `json:"authenticatorAttachment"`
	Extensions map[string]any `json:"clientExtensionResults"`
	Response   any            `json:"response"`
}

func newResponse(id []byte, inner any) response {
	return response{ID: id, RawID: id, Type: "public-key", Attachment: "cross-platform", Extensions: map[string]any{}, Response: inner}
}

// ErrNoCredential is a key that holds no credential that was asked for, or one that may
// not be made again: the browser tells the page NotAllowedError or InvalidStateError.
var ErrNoCredential = errors.New("authtest: no such credential on this key")

// Create makes a credential. options is the JSON of {"publicKey": ...} that
// navigator.credentials.create takes; origin is the page's, such as
// https://rootkeep.example. It gives the JSON that the page posts.
func (k *Key) Create(origin string, options []byte) ([]byte, error) {
	var o creation
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, fmt.Errorf("authtest: options: %w", err)
	}
	for _, c := range k.credentials {
		if c.rp == o.PublicKey.RP.ID && names(o.PublicKey.Exclude, c.id) {
			return nil, ErrNoCredential
		}
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	c := credential{id: make([]byte, 32), rp: o.PublicKey.RP.ID, user: o.PublicKey.User.ID, private: private}
	rand.Read(c.id) // never fails, see crypto/rand
	client, err := clientData("webauthn.create", origin, o.PublicKey.Challenge)
	if err != nil {
		return nil, err
	}
	public, err := publicKey(&private.PublicKey)
	if err != nil {
		return nil, err
	}
	data := k.authenticatorData(c.rp, flagAttested)
	data = append(data, k.AAGUID[:]...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(c.id)))
	data = append(append(data, c.id...), public...)
	attest := k.Attestation
	if o.PublicKey.Attestation == "" || o.PublicKey.Attestation == "none" {
		attest = None // the browser takes out what the page did not ask for
	}
	object, err := k.attest(attest, data, client, private)
	if err != nil {
		return nil, err
	}
	k.credentials = append(k.credentials, c)
	transports := k.Transports
	if transports == nil {
		transports = []string{"usb"}
	}
	return json.Marshal(newResponse(c.id, struct {
		ClientData  bytes64  `json:"clientDataJSON"`
		Data        bytes64  `json:"authenticatorData"`
		Object      bytes64  `json:"attestationObject"`
		Transports  []string `json:"transports"`
		PublicKey   bytes64  `json:"publicKey,omitempty"`
		PublicKeyAl int      `json:"publicKeyAlgorithm"`
	}{client, data, object, transports, nil, algorithm}))
}

// Get signs a challenge with the newest credential that fits. options is the JSON of
// {"publicKey": ...} that navigator.credentials.get takes. It gives the JSON that the
// page posts.
func (k *Key) Get(origin string, options []byte) ([]byte, error) {
	var o request
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, fmt.Errorf("authtest: options: %w", err)
	}
	for _, c := range slices.Backward(k.credentials) {
		if c.rp != o.PublicKey.RP || len(o.PublicKey.Allow) > 0 && !names(o.PublicKey.Allow, c.id) {
			continue
		}
		client, err := clientData("webauthn.get", origin, o.PublicKey.Challenge)
		if err != nil {
			return nil, err
		}
		data := k.authenticatorData(c.rp, 0)
		signature, err := sign(c.private, data, client)
		if err != nil {
			return nil, err
		}
		return json.Marshal(newResponse(c.id, struct {
			ClientData bytes64 `json:"clientDataJSON"`
			Data       bytes64 `json:"authenticatorData"`
			Signature  bytes64 `json:"signature"`
			UserHandle bytes64 `json:"userHandle"`
		}{client, data, signature, c.user}))
	}
	return nil, ErrNoCredential
}

// Forget removes every credential, as a reset of a key does.
func (k *Key) Forget() { k.credentials = nil }

func names(list []descriptor, id []byte) bool {
	return slices.ContainsFunc(list, func(d descriptor) bool { return bytes.Equal(d.ID, id) })
}

// clientData is CollectedClientData (section 5.8.1), serialized as browsers do.
func clientData(ceremony, origin string, challenge bytes64) (bytes64, error) {
	return json.Marshal(struct {
		Type        string  `json:"type"`
		Challenge   bytes64 `json:"challenge"`
		Origin      string  `json:"origin"`
		CrossOrigin bool    `json:"crossOrigin"`
	}{ceremony, challenge, origin, false})
}
