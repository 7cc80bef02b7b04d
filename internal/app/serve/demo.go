package serve

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/app/demo"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/app/scan/record"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	webhunts "github.com/rootkeep/rootkeep/internal/web/hunts"
)

// Demo is a server over a simulated organization with a past.
type Demo struct {
	Folder  string // where the past is kept; made if it is not there
	Fresh   bool   // make the past anew
	Listen  string
	Version string
	Day     func(day, days int) // hears of each day of the past that is made; nil for nobody
}

// keepPast is how long a past is used again: after it the newest scan would look old.
const keepPast = 12 * time.Hour

// RunDemo makes the past if it is not there, and serves until the context ends. It points
// this process's environment to the simulation, so that scans read nothing else.
func RunDemo(ctx context.Context, d Demo, logs io.Writer, started Started) error {
	world, err := demo.New(demo.Weeks, time.Now)
	if err != nil {
		return err
	}
	stop, err := simulate(world)
	if err != nil {
		return err
	}
	defer stop()
	made, err := d.past(ctx, world)
	if err != nil {
		return err
	}
	if !made {
		// The organization lives through it again, so that it is where it was; nobody has to
		// wait for that.
		go func() {
			if err := world.Live(ctx, demo.History{Folder: d.Folder}); err != nil && ctx.Err() == nil {
				fmt.Fprintf(logs, "rootkeep: the simulated organization: %v\n", err)
			}
		}()
	}
	return Run(ctx, d.settings(), logs, started)
}

func (d Demo) settings() Settings {
	return Settings{
		Listen: d.Listen, Store: filepath.Join(d.Folder, "rootkeep.db"), KeyFile: filepath.Join(d.Folder, "ledger.key"),
		Log: Log{Level: "warn"}, Version: d.Version,
	}
}

// simulate serves the organization on a free port of this machine, and has the
// environment name it and nothing else.
func simulate(w *demo.World) (stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("simulated organization: %w", err)
	}
	server := &http.Server{Handler: w, ReadHeaderTimeout: headerWithin}
	go server.Serve(l) // ends with Close
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": "http://" + l.Addr().String(), "AWS_ACCESS_KEY_ID": w.Administrator.ID, "AWS_SECRET_ACCESS_KEY": w.Administrator.Secret,
		"AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		if err := os.Setenv(name, value); err != nil {
			return nil, errors.Join(err, server.Close())
		}
	}
	return func() { server.Close() }, nil
}

// demoMark is a file that tells a folder of the demonstration from any other.
const demoMark = "rootkeep-demo"

// replaceable refuses a folder that is not empty and that the demonstration did not make:
// making the past anew would remove what it holds, such as a store that is none.
func replaceable(folder string) error {
	held, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	marked := slices.ContainsFunc(held, func(e fs.DirEntry) bool { return e.Name() == demoMark })
	if err == nil && len(held) > 0 && !marked {
		err = fmt.Errorf("%s holds something that is no demonstration, and would be removed; hint: --folder with one that is not there yet", folder)
	}
	return err
}

// past makes the past, unless there is one that is not old. It is made in a folder
// beside, so that one that is half made is never used.
func (d Demo) past(ctx context.Context, w *demo.World) (made bool, err error) {
	half := d
	half.Folder = filepath.Clean(d.Folder) + ".new"
	if err := errors.Join(replaceable(d.Folder), replaceable(half.Folder)); err != nil {
		return false, err
	}
	is, err := os.Stat(filepath.Join(d.Folder, "rootkeep.db"))
	switch {
	case err == nil && !d.Fresh && time.Since(is.ModTime()) < keepPast:
		return false, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	if err := os.RemoveAll(half.Folder); err != nil {
		return false, err
	}
	if err := os.MkdirAll(half.Folder, 0o700); err != nil {
		return false, err
	}
	if err := os.WriteFile(filepath.Join(half.Folder, demoMark), nil, 0o600); err != nil {
		return false, err
	}
	if err := half.live(ctx, w); err != nil {
		return false, errors.Join(fmt.Errorf("make the past of the demonstration: %w", err), os.RemoveAll(half.Folder))
	}
	if err := os.RemoveAll(d.Folder); err != nil {
		return false, err
	}
	return true, os.Rename(half.Folder, d.Folder)
}

// live lets the past happen: the store's clock is the organization's.
func (d Demo) live(ctx context.Context, w *demo.World) (err error) {
	c := d.settings()
	if err := c.resolve(); err != nil {
		return err
	}
	s, keys, err := openStore(ctx, c, slog.New(slog.DiscardHandler), w.Now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	h, err := newHouse(&deps{settings: c, store: s, keys: keys, log: slog.New(slog.DiscardHandler), now: w.Now}, &url.URL{Scheme: "http", Host: "localhost"})
	if err != nil {
		return err
	}
	staff, err := h.staff(ctx)
	if err != nil {
		return err
	}
	err = w.Live(ctx, demo.History{Folder: d.Folder, Day: d.Day, Scan: h.scanned, Hunt: h.hunted})
	if err != nil {
		return err
	}
	return h.requests(ctx, staff, w.Account("app-1"))
}

func id(kind string, at time.Time) string {
	var chance [5]byte
	rand.Read(chance[:]) // never fails, see crypto/rand
	return rootkeep.NewID(kind, at, chance[:])
}

func (h *house) scanned(ctx context.Context, c scan.Config) error {
	return h.recorder.Do(ctx, record.Run{ID: id("SC", c.Now), Source: posture.Job, Actor: people.SystemActor.ID, Config: c, Placed: true})
}

func (h *house) hunted(ctx context.Context, c app.HuntConfig) error {
	var memory app.Memory
	c.Memory, c.Version = &memory, h.settings.Version
	found, err := app.Hunt(ctx, c)
	if err != nil {
		return err
	}
	up, err := app.Upload(found, &memory)
	if err != nil {
		return err
	}
	result, err := webhunts.Read(up)
	if err != nil {
		return err
	}
	text, err := json.Marshal(up)
	if err != nil {
		return err
	}
	result.ID, result.Actor, result.Digest = id("HU", h.now()), people.SystemActor.ID, sha256.Sum256(text)
	return h.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, _, err := hunts.Take(ctx, tx, result)
		return err
	})
}

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
