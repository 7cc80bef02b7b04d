// Package staff is the people of the demonstration: they ask for exceptions and for root,
// approve with keys that are lost afterwards, and see to cases.
package staff

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/app/roottask"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web/signin/authtest"
)

// Member is one of the staff. The key of one who approves is made up, and lost when the
// past is made.
type Member struct {
	people.Actor
	key authtest.Key
}

// Config is what the staff works with.
type Config struct {
	Store      *store.Store
	Root       *access.Desk
	Exceptions *exceptions.Desk
	Now        func() time.Time
}

// Staff are people with roles. Whoever opens the demonstration enrols a key as the
// administrator, and can give the others a link to enrol theirs.
type Staff struct {
	Config
	Ada, Bruno, Chiara, Dmitri, Esi, Ines *Member
	Tasks                                 *roottask.Catalogue

	cases  *incident.Desk
	intake *reconcile.Intake
	reader *cloudtrail.Reader
	ids    map[string]string // of the requests for root, by task
}

// Hire adds the people to the store.
func Hire(ctx context.Context, c Config) (*Staff, error) {
	s := &Staff{Config: c, ids: map[string]string{}}
	var err error
	if s.Tasks, err = roottask.Load(""); err != nil {
		return nil, err
	}
	if s.cases, err = incident.New(incident.Desk{Place: c.Root.Place, Ready: access.Unreviewed}); err != nil {
		return nil, err
	}
	if s.intake, err = reconcile.NewIntake(); err != nil {
		return nil, err
	}
	fields, err := cloudtrail.CompileFields(s.intake.Fields())
	if err != nil {
		return nil, err
	}
	s.reader = cloudtrail.NewReader(fields, cloudtrail.Options{})
	return s, c.Store.Update(ctx, s.hire)
}

func (s *Staff) hire(ctx context.Context, tx *store.Tx) error {
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
			if err := (*p.as).enrol(ctx, tx, s.Root.Site); err != nil {
				return err
			}
		}
	}
	return nil
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

// Requests asks for exceptions: one that waits, one withdrawn.
func (s *Staff) Requests(ctx context.Context, account rootkeep.AccountID) error {
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
