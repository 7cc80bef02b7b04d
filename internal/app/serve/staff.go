package serve

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
)

// staff are people with roles. The keys of those who approve are made up, and nobody
// holds them: whoever opens the demonstration enrols one as the administrator, and can
// give the others a link to enrol theirs.
func (h *house) staff(ctx context.Context) (map[people.Role]people.Actor, error) {
	out := map[people.Role]people.Actor{}
	err := h.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, p := range []struct {
			name, mail string
			role       people.Role
		}{
			{"Ada Requester", "ada@example.com", people.Requester}, {"Bruno Approver", "bruno@example.com", people.Approver},
			{"Chiara Approver", "chiara@example.com", people.Approver}, {"Dmitri Auditor", "dmitri@example.com", people.Auditor},
			{"Esi Responder", "esi@example.com", people.Responder},
		} {
			person, err := persons.Add(ctx, tx, people.SystemActor.ID, p.name, p.mail)
			if err != nil {
				return err
			}
			g := people.Grant{Role: p.role, Scope: people.Everywhere}
			if err := persons.Grant(ctx, tx, people.SystemActor.ID, person.ID, g); err != nil {
				return err
			}
			if p.role == people.Approver {
				if err := lostKey(ctx, tx, person.ID); err != nil {
					return err
				}
			}
			out[p.role] = people.Actor{ID: person.ID, Name: p.name, Kind: people.Person, Grants: []people.Grant{g}}
		}
		return nil
	})
	return out, err
}

// lostKey gives a person a key whose private half is thrown away.
func lostKey(ctx context.Context, tx *store.Tx, person string) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	point, err := private.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return err
	}
	const keyType, ec2, algorithm, curve, p256 = 1, 2, 3, -1, 1 // of COSE (RFC 9053, section 7.1)
	public, err := webauthncbor.Marshal(map[int]any{keyType: ec2, algorithm: webauthncose.AlgES256, curve: p256, -2: point[1:33], -3: point[33:]})
	if err != nil {
		return err
	}
	k := persons.Key{Person: person, Credential: make([]byte, 32), PublicKey: public, AAGUID: make([]byte, 16), AttestationType: "none", AttestationFormat: "none", Attestation: []byte{}, ClientData: []byte{}, Name: "Key of the demonstration"}
	rand.Read(k.Credential) // never fails, see crypto/rand
	_, err = persons.AddKey(ctx, tx, people.SystemActor.ID, k)
	return err
}

// requests are exceptions that somebody asked for: one that waits, one withdrawn.
func (h *house) requests(ctx context.Context, staff map[people.Role]people.Actor, account rootkeep.AccountID) error {
	ada := staff[people.Requester]
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
