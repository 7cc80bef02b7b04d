package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rootkeep/rootkeep/ledger"
)

// Progress hears of long work now and then: what is being done, and how much of it.
type Progress func(what string, done, total int64)

func (p Progress) say(what string, done, total int64) {
	if p != nil {
		p(what, done, total)
	}
}

// verifying is progress of VerifyLedger.
func (p Progress) verifying(done, total int64) { p.say("verify the ledger, entries", done, total) }

// Backup writes one state of the store into a new SQLite file while others go on
// changing it, and verifies the ledger in the file before it gives it its name. The file
// is for its owner alone. A backup of PostgreSQL is a SQLite file too.
func (s *Store) Backup(ctx context.Context, path string, progress Progress) (*Verified, error) {
	v, err := inPlace(path, func(part string) (*Verified, error) {
		if s.dialect.name != sqliteDialect.name {
			return s.copyTo(ctx, part, progress)
		}
		if err := createPrivate(part); err != nil {
			return nil, err
		}
		if err := s.vacuumInto(ctx, part, progress); err != nil {
			return nil, err
		}
		o := s.options
		o.Migrate = false
		return checkCopy(ctx, part, o, progress)
	})
	if err != nil {
		return nil, explain(fmt.Errorf("back up to %s: %w", path, err))
	}
	return v, nil
}

// vacuumInto lets SQLite write the state as it is now into a new file, without what was
// deleted. It needs a connection that may write, and is not to keep changes waiting.
func (s *Store) vacuumInto(ctx context.Context, path string, progress Progress) error {
	db, err := openSQLite(s.path)
	if err != nil {
		return err
	}
	progress.say("copy the file", 0, 1)
	_, err = db.ExecContext(ctx, `VACUUM INTO $1`, path)
	progress.say("copy the file", 1, 1)
	return errors.Join(err, db.Close())
}

// copyTo copies all tables into a new SQLite file.
func (s *Store) copyTo(ctx context.Context, path string, progress Progress) (*Verified, error) {
	o := s.options
	o.Migrate = true
	to, err := Open(ctx, path, o)
	if err != nil {
		return nil, err
	}
	v, err := copyAll(ctx, s, to, progress)
	return v, errors.Join(err, to.Close())
}

// checkCopy opens a copy and verifies its ledger.
func checkCopy(ctx context.Context, path string, o Options, progress Progress) (*Verified, error) {
	s, err := Open(ctx, path, o)
	if err != nil {
		return nil, err
	}
	v, err := s.VerifyLedger(ctx, progress.verifying)
	return v, errors.Join(err, s.Close())
}

// inPlace has a SQLite file made under another name, and gives it its own when it is
// whole and on the disk. It never replaces a file, and leaves nothing behind if it fails.
func inPlace(path string, fill func(part string) (*Verified, error)) (*Verified, error) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if _, err := os.Lstat(path + suffix); err == nil {
			return nil, fmt.Errorf("%s: %w; hint: another name, or move it away", path+suffix, os.ErrExist)
		}
	}
	part := path + ".part"
	if _, err := os.Lstat(part); err == nil {
		return nil, fmt.Errorf("%s: %w; hint: it is what another run left or works on: remove it if none does", part, os.ErrExist)
	}
	v, err := fill(part)
	if err == nil {
		err = whole(part)
	}
	if err == nil {
		err = place(part, path)
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if e := os.Remove(part + suffix); e != nil && !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// whole refuses a SQLite file that does not hold all of its database. SQLite empties the
// journal into the file when it closes it, and says nothing if it cannot, such as for
// want of room: the newest changes are in the journal alone then.
func whole(path string) error {
	info, err := os.Stat(path + "-wal")
	if err == nil && info.Size() > 0 {
		return fmt.Errorf("%s-wal: SQLite could not write it into the file; hint: is there room on the disk?", path)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// place puts a file on the disk under another name, which it never takes from a file.
func place(part, path string) error {
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(part, path); err != nil { // unlike a rename it fails if the name is taken
		if errors.Is(err, os.ErrExist) {
			return err
		}
		if err := os.Rename(part, path); err != nil { // a file system without links
			return err
		}
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	_ = d.Sync() // some systems cannot sync a folder
	return d.Close()
}

// Restored is what was restored.
type Restored struct {
	Verified
	Lost int64 // entries of the newer checkpoint that the backup does not have
}

// ErrOlder is a backup that lacks entries which a checkpoint covers.
var ErrOlder = errors.New("the backup is older than the checkpoint")

// Restore puts a backup in the place of a store: at a path where no file is, or into a
// PostgreSQL database whose ledger is empty. It verifies the ledger first, and records
// that it was restored. newest is a signed checkpoint that somebody kept, or nil: a
// backup that lacks some of its entries is refused with ErrOlder, unless acceptLoss; one
// whose history is another always.
func Restore(ctx context.Context, backup, address string, o Options, newest []byte, acceptLoss bool, progress Progress) (*Restored, error) {
	out := &Restored{}
	fill := func(part string) (*Verified, error) {
		if err := copyFile(ctx, backup, part, progress); err != nil {
			return nil, err
		}
		return &out.Verified, out.examine(ctx, part, o, newest, acceptLoss, progress)
	}
	var err error
	if IsPostgreSQL(address) {
		err = inFolder(func(part string) error {
			if _, err := fill(part); err != nil {
				return err
			}
			_, err := Move(ctx, part, address, o, progress)
			return err
		})
	} else {
		_, err = inPlace(strings.TrimPrefix(address, "sqlite:"), fill)
	}
	if err != nil {
		return nil, explain(fmt.Errorf("restore %s: %w", backup, err))
	}
	return out, nil
}

// inFolder has a file made in a folder that goes afterwards.
func inFolder(make func(path string) error) error {
	folder, err := os.MkdirTemp("", "rootkeep-") // mode 0700
	if err != nil {
		return err
	}
	return errors.Join(make(filepath.Join(folder, "copy.db")), os.RemoveAll(folder))
}

// copyFile copies a file that nobody writes.
func copyFile(ctx context.Context, from, to string, progress Progress) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if _, err := os.Lstat(from + "-wal"); err == nil {
		return fmt.Errorf("%s-wal lies beside it: it is a store in use, not a backup; hint: rootkeep backup", from)
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	progress.say("copy the file, bytes", 0, info.Size())
	n, err := io.Copy(out, contextReader{ctx, in})
	progress.say("copy the file, bytes", n, info.Size())
	return errors.Join(err, out.Close())
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// examine verifies a copy of a backup, compares it with the newest checkpoint, and
// records in it that it was restored.
func (out *Restored) examine(ctx context.Context, path string, o Options, newest []byte, acceptLoss bool, progress Progress) error {
	o.Migrate = true // a backup may be older than the program
	o.unmark = true
	s, err := Open(ctx, path, o)
	if err != nil {
		return err
	}
	v, err := s.VerifyLedger(ctx, progress.verifying)
	if err == nil {
		out.Verified = *v
		out.Lost, err = s.compare(ctx, newest)
	}
	if errors.Is(err, ErrOlder) && acceptLoss {
		err = nil
	}
	if err == nil {
		err = s.Update(ctx, func(_ context.Context, t *Tx) error {
			note := fmt.Sprintf("restored with %d entries; a checkpoint that was given has %d more\n%s", v.Head.Size, out.Lost, newest)
			return t.Record("store.restored", "store", "system", ledger.NewPayload("restored", []byte(note)))
		})
	}
	return errors.Join(err, s.Close())
}

// compare says how many entries of a checkpoint the store lacks. It fails with a
// *ledger.Fault if what both have is not the same.
func (s *Store) compare(ctx context.Context, newest []byte) (lost int64, err error) {
	if newest == nil {
		return 0, nil
	}
	kept, err := ledger.OpenCheckpoint(newest, s.options.Origin, s.options.Known)
	if err != nil {
		return 0, err
	}
	err = s.View(ctx, func(ctx context.Context, r *Reader) error {
		head, err := s.Head(ctx, r)
		if err != nil {
			return err
		}
		if lost = kept.Size - head.Size; lost > 0 {
			return fmt.Errorf("%w: it has %d entries, the checkpoint %d; hint: look for a newer backup, or give up the last %d", ErrOlder, head.Size, kept.Size, lost)
		}
		lost = 0
		root, err := tlog.TreeHash(kept.Size, Hashes(ctx, r))
		if err == nil && root != kept.Root {
			err = &ledger.Fault{Entry: -1, Reason: fmt.Sprintf("the first %d entries are not those of the checkpoint: it is the backup of another history", kept.Size)}
		}
		return err
	})
	return lost, err
}
