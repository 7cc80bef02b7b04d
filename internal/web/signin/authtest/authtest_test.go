package authtest_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/rootkeep/rootkeep/internal/web/signin/authtest"
)

const origin = "https://rootkeep.example:8443"

// owner is who a credential is made for.
type owner struct{ credentials []webauthn.Credential }

func (o *owner) WebAuthnID() []byte                         { return []byte("PE-1") }
func (o *owner) WebAuthnName() string                       { return "ada" }
func (o *owner) WebAuthnDisplayName() string                { return "Ada" }
func (o *owner) WebAuthnCredentials() []webauthn.Credential { return o.credentials }

func party(t *testing.T) *webauthn.WebAuthn {
	t.Helper()
	w, err := webauthn.New(&webauthn.Config{
		RPID: "rootkeep.example", RPDisplayName: "rootkeep", RPOrigins: []string{origin},
		AttestationPreference:  protocol.PreferDirectAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{UserVerification: protocol.VerificationRequired},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func enrol(t *testing.T, w *webauthn.WebAuthn, o *owner, k *authtest.Key, from string) error {
	t.Helper()
	options, session, err := w.BeginRegistration(o)
	if err != nil {
		t.Fatal(err)
	}
	page, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := k.Create(from, page)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.CreateCredential(o, *session, parsed)
	if err == nil {
		o.credentials = append(o.credentials, *c)
	}
	return err
}

func signIn(t *testing.T, w *webauthn.WebAuthn, o *owner, k *authtest.Key, from string) (*webauthn.Credential, error) {
	t.Helper()
	options, session, err := w.BeginDiscoverableLogin()
	if err != nil {
		t.Fatal(err)
	}
	page, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := k.Get(from, page)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		t.Fatal(err)
	}
	return w.ValidateDiscoverableLogin(func(_, _ []byte) (webauthn.User, error) { return o, nil }, *session, parsed)
}

// The key is worth something only if a server that is not ours takes it, and refuses it
// where it misbehaves.
func TestTheLibraryTakesTheKey(t *testing.T) {
	for how, want := range map[authtest.Attestation]string{
		"": "none", authtest.None: "none", authtest.Self: "basic_surrogate", authtest.Certificate: "basic_full",
	} {
		t.Run("attestation "+string(how), func(t *testing.T) {
			w, o := party(t), &owner{}
			k := &authtest.Key{Attestation: how, AAGUID: [16]byte{1, 2, 3}}
			if err := enrol(t, w, o, k, origin); err != nil {
				t.Fatal(err)
			}
			if got := o.credentials[0].AttestationType; got != want {
				t.Errorf("got attestation %q, want %q", got, want)
			}
			if got := o.credentials[0].Authenticator.AAGUID; [16]byte(got) != k.AAGUID {
				t.Errorf("got AAGUID %x, want %x", got, k.AAGUID)
			}
			c, err := signIn(t, w, o, k, origin)
			if err != nil {
				t.Fatal(err)
			}
			if c.Authenticator.SignCount != 2 || c.Authenticator.CloneWarning {
				t.Errorf("got count %d, clone %v, want 2 signatures and no clone", c.Authenticator.SignCount, c.Authenticator.CloneWarning)
			}
		})
	}
}

func TestTheLibraryRefusesAKeyThatMisbehaves(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(*authtest.Key)
		from  string
	}{
		{"present without verification", func(k *authtest.Key) { k.Unverified = true }, origin},
		{"nobody there", func(k *authtest.Key) { k.Absent = true }, origin},
		{"from another origin", func(*authtest.Key) {}, "https://rootkeep.example.evil"},
		{"from another port", func(*authtest.Key) {}, "https://rootkeep.example"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, o, k := party(t), &owner{}, &authtest.Key{}
			if err := enrol(t, w, o, k, origin); err != nil {
				t.Fatal(err)
			}
			test.spoil(k)
			if _, err := signIn(t, w, o, k, test.from); err == nil {
				t.Error("signed in, want a refusal")
			}
			if err := enrol(t, w, o, k, test.from); err == nil {
				t.Error("enrolled, want a refusal")
			}
		})
	}
}

func TestAKeyWithoutTheCredentialSaysSo(t *testing.T) {
	w, k := party(t), &authtest.Key{}
	options, _, err := w.BeginDiscoverableLogin()
	if err != nil {
		t.Fatal(err)
	}
	page, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Get(origin, page); !errors.Is(err, authtest.ErrNoCredential) {
		t.Errorf("got %v, want ErrNoCredential", err)
	}
}
