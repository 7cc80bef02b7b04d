package serve

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web/signin/authtest"
)

// member is one of the staff. The key of one who approves is made up, and lost when the
// past is made.
type member struct {
	people.Actor
	key authtest.Key
}

// staff are people with roles. Whoever opens the demonstration enrols a key as the
// administrator, and can give the others a link to enrol theirs.
type staff struct{ ada, bruno, chiara, dmitri, esi, ines *member }

func (h *house) hire(ctx context.Context) (*staff, error) {
	s := &staff{}
	err := h.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, p := range []struct {
			name, mail string
			role       people.Role
			as         **member
		}{
			{"Ada Requester", "ada@example.com", people.Requester, &s.ada}, {"Bruno Approver", "bruno@example.com", people.Approver, &s.bruno},
			{"Chiara Approver", "chiara@example.com", people.Approver, &s.chiara}, {"Dmitri Auditor", "dmitri@example.com", people.Auditor, &s.dmitri},
			{"Esi Responder", "esi@example.com", people.Responder, &s.esi}, {"Ines Custodian", "ines@example.com", people.Custodian, &s.ines},
		} {
			person, err := persons.Add(ctx, tx, people.SystemActor.ID, p.name, p.mail)
			if err != nil {
				return err
			}
			g := people.Grant{Role: p.role, Scope: people.Everywhere}
			if err := persons.Grant(ctx, tx, people.SystemActor.ID, person.ID, g); err != nil {
				return err
			}
			*p.as = &member{Actor: people.Actor{ID: person.ID, Name: p.name, Kind: people.Person, Grants: []people.Grant{g}}}
			if p.role == people.Approver {
				if err := (*p.as).enrol(ctx, tx, h.approvals.Site); err != nil {
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
func (m *member) enrol(ctx context.Context, tx *store.Tx, at approval.Site) error {
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
func (m *member) sign(s *approval.Statement, at approval.Site) ([]byte, error) {
	challenge := s.Challenge()
	options, err := publicKey(map[string]any{"rpId": at.RPID, "challenge": base64.RawURLEncoding.EncodeToString(challenge[:])})
	if err != nil {
		return nil, err
	}
	return m.key.Get(at.Origin, options)
}

// requests are exceptions that somebody asked for: one that waits, one withdrawn.
func (h *house) requests(ctx context.Context, s *staff, account rootkeep.AccountID) error {
	ada := s.ada.Actor
	return h.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		until := tx.Now().AddDate(0, 3, 0)
		if _, err := h.desk.Submit(ctx, tx, ada, exceptions.Wanted{
			Control: "AL-03", Account: account, Owner: "platform team", Reason: "The alarm moves to the new pipeline in the next quarter (OPS-112).", Until: until,
		}); err != nil {
			return err
		}
		x, err := h.desk.Submit(ctx, tx, ada, exceptions.Wanted{
			Control: "RT-05", Account: account, Owner: "platform team", Reason: "A vendor still signs with the key; asked for by mistake.", Until: until,
		})
		if err != nil {
			return err
		}
		_, err = h.desk.Withdraw(ctx, tx, ada, x.ID, x.Revision)
		return err
	})
}
