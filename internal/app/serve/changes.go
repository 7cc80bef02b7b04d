package serve

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/alter"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/app/rootuse"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/internal/writerole"
)

// Changes says with which roles accounts are read and changed, and what can be changed.
type Changes struct {
	Folders    []string `yaml:"folders"`     // of own kinds
	ReadRole   string   `yaml:"read_role"`   // its name in each account
	WriteRole  string   `yaml:"write_role"`  // template of the names, with {class}
	BrokerRole string   `yaml:"broker_role"` // ARN of a role that is entered before all others
	ExternalID string   `yaml:"external_id"` // that the roles ask for
	Profile    string   `yaml:"profile"`     // of the AWS configuration
	Region     string   `yaml:"region"`      // the home Region
	Within     string   `yaml:"within"`      // from an approval to the beginning
}

const (
	usualWithin = "1d"
	mostWithin  = 30 * 24 * time.Hour
)

// within is how long after its approval a change may begin.
func (c Changes) within() (time.Duration, error) {
	d, err := rule.ParseDuration(c.Within)
	if err != nil || d <= 0 || time.Duration(d) > mostWithin {
		return 0, fmt.Errorf("changes.within %q: want a time such as 8h, up to 30d", c.Within)
	}
	return time.Duration(d), nil
}

func (c Changes) check() error {
	if _, err := c.within(); err != nil {
		return err
	}
	if c.WriteRole != "" && !strings.Contains(c.WriteRole, "{class}") {
		return fmt.Errorf("changes.write_role %q: each class of change has a role of its own, and no class is named; hint: %s", c.WriteRole, writerole.Template)
	}
	if c.BrokerRole == "" {
		return nil
	}
	if a, err := rootkeep.ParseARN(c.BrokerRole); err != nil || a.Service != "iam" {
		return fmt.Errorf("changes.broker_role %q: want the ARN of a role", c.BrokerRole)
	}
	return nil
}

// engine is what plans and applies changes; kinds of the settings' folders that are
// wrong keep the server from starting, and are all named.
func (h *house) newEngine() error {
	c := h.settings.Changes
	catalogue, err := kinds.Load(c.Folders, false)
	if err != nil {
		return err
	}
	if err := errors.Join(catalogue.Problems...); err != nil {
		return err
	}
	h.engine, err = alter.New(alter.Config{
		Store: h.store, Desk: h.changes, Catalogue: catalogue, Now: h.now, Wake: h.wake, ReadRole: c.ReadRole, WriteRole: c.WriteRole,
		AWS:      session.Config{Profile: c.Profile, Region: c.Region, Broker: c.BrokerRole, ExternalID: c.ExternalID, Now: h.now},
		Recorded: rootuse.Recorded,
	})
	return err
}

// recoverChanges is the schedule that finds changes whose server is gone.
var recoverChanges = job.Schedule{ID: alter.RecoverKind, Kind: alter.RecoverKind, Cron: "* * * * *", Zone: "UTC", Payload: []byte("{}"), Enabled: true}
