// Package cast is the people of the demonstration, and what they do: they ask, approve with
// keys that are made up, use root and look at cases, as people do through the console.
package cast

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web/signin/authtest"
)

// Stage is what they act on.
type Stage struct {
	Store      *store.Store
	Exceptions *exceptions.Desk
	Root       *stored.Desk
	Alerts     *alerts.Desk
	Site       approval.Site
	Place      func(context.Context, *store.Reader, rootkeep.AccountID) (people.Place, error)
	Now        func() time.Time
}

// Member is one of the cast. The key of one who approves is made up, and lost when the
// past is made.
type Member struct {
	people.Actor
	key authtest.Key
}

// Cast are people with roles. Whoever opens the demonstration enrols a key as the
// administrator, and can give the others a link to enrol theirs.
type Cast struct {
	Stage
	Ada, Bruno, Chiara, Dmitri, Esi, Ines *Member
}

// Hire adds them to the store.
func Hire(ctx context.Context, on Stage) (*Cast, error) {
	s := &Cast{Stage: on}
	err := on.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, p := range []struct {
			name, mail string
			role       people.Role
			as         **Member
		}{
			{"Ada Requester", "ada@example.com", people.Requester, &s.Ada}, {"Bruno Approver", "bruno@example.com", people.Approver, &s.Bruno},
			{"Chiara Approver", "chiara@example.com", people.Approver, &s.Chiara}, {"Dmitri Auditor", "dmitri@example.com", people.Auditor, &s.Dmitri},
			{"Esi Responder", "esi@example.com", people.Responder, &s.Esi}, {"Ines Custodian", "ines@example.com", people.Custodian, &s.Ines},
		} {
			person, err := persons.Add(ctx, tx, people.SystemActor.ID, p.name, p.mail)
			if err != nil {
				return err
			}
			g := people.Grant{Role: p.role, Scope: people.Everywhere}
			if err := persons.Grant(ctx, tx, people.SystemActor.ID, person.ID, g); err != nil {
				return err
			}
			*p.as = &Member{Actor: people.Actor{ID: person.ID, Name: p.name, Kind: people.Person, Grants: []people.Grant{g}}}
			if p.role == people.Approver {
				if err := (*p.as).enrol(ctx, tx, on.Site); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return s, err
}

// publicKey is options of a ceremony, as a browser gives them to a key.
func publicKey(options map[string]any) ([]byte, error) {
	return json.Marshal(map[string]any{"publicKey": options})
}

// enrol gives a member a key.
func (m *Member) enrol(ctx context.Context, tx *store.Tx, at approval.Site) error {
	options, err := publicKey(map[string]any{
		"rp": map[string]any{"id": at.RPID}, "user": map[string]any{"id": base64.RawURLEncoding.EncodeToString([]byte(m.ID))}, "challenge": base64.RawURLEncoding.EncodeToString(make([]byte, 32)),
	})
	if err != nil {
		return err
	}
	created, err := m.key.Create(at.Origin, options)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(created)
	if err != nil {
		return err
	}
	made := parsed.Response.AttestationObject.AuthData.AttData
	_, err = persons.AddKey(ctx, tx, people.SystemActor.ID, persons.Key{
		Person: m.ID, Credential: made.CredentialID, PublicKey: made.CredentialPublicKey, AAGUID: made.AAGUID,
		AttestationType: "none", AttestationFormat: "none", Attestation: []byte{}, ClientData: []byte{}, Name: "Key of the demonstration",
	})
	return err
}

// sign signs a statement.
func (m *Member) sign(s *approval.Statement, at approval.Site) ([]byte, error) {
	challenge := s.Challenge()
	options, err := publicKey(map[string]any{"rpId": at.RPID, "challenge": base64.RawURLEncoding.EncodeToString(challenge[:])})
	if err != nil {
		return nil, err
	}
	return m.key.Get(at.Origin, options)
}

// Requests are exceptions that somebody asks for: one that waits, one withdrawn.
func (s *Cast) Requests(ctx context.Context, account rootkeep.AccountID) error {
	ada := s.Ada.Actor
	return s.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		until := tx.Now().AddDate(0, 3, 0)
		if _, err := s.Exceptions.Submit(ctx, tx, ada, exceptions.Wanted{
			Control: "AL-03", Account: account, Owner: "platform team", Reason: "The alarm moves to the new pipeline in the next quarter (OPS-112).", Until: until,
		}); err != nil {
			return err
		}
		x, err := s.Exceptions.Submit(ctx, tx, ada, exceptions.Wanted{
			Control: "RT-05", Account: account, Owner: "platform team", Reason: "A vendor still signs with the key; asked for by mistake.", Until: until,
		})
		if err != nil {
			return err
		}
		_, err = s.Exceptions.Withdraw(ctx, tx, ada, x.ID, x.Revision)
		return err
	})
}
