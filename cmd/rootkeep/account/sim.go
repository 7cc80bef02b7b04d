package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/simulate"
)

// simFlags are the flags of rootkeep sim.
type simFlags struct {
	listen, scenario, output string
	accounts                 int
	seed                     uint64
	propagation, late        time.Duration
	twice, unnamed           bool // of events
	operations               bool
}

// SimCommand is rootkeep sim.
func SimCommand(s cli.Streams) *cobra.Command {
	var f simFlags
	c := &cobra.Command{
		Use:   "sim",
		Short: "Serve a simulated AWS organization",
		Long: `Sim serves a simulated AWS organization over HTTP until it is interrupted: accounts
with users, roles and root users, trails, alarms, buckets, with weaknesses planted.
AWS's own clients speak to it: set what it prints in the environment. Signatures are
checked, every call is authorized by the same evaluator as rootkeep iam eval, and is
in CloudTrail afterwards. What it cannot do it refuses; nothing reaches AWS.

The same --seed gives the same accounts, names and keys. All is in memory and gone
when the command ends. As in AWS, a change of users, keys, roles or policies is seen at
once and in force seconds later: --propagation 0s spares a script the wait. Events can come
later than AWS promises, twice, or without the source identity that a session of
sts:AssumeRoot was given. The keys protect nothing: listen on an address that others
reach only if they may do everything here.`,
		Example: `  rootkeep sim
  rootkeep sim --accounts 20 --seed 7
  rootkeep sim --scenario company.json --listen 127.0.0.1:0
  rootkeep sim --propagation 0s
  rootkeep sim --operations`,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c.Context(), s) },
	}
	fl := c.Flags()
	fl.StringVar(&f.listen, "listen", "127.0.0.1:4566", "address to serve at; port 0 takes a free one")
	fl.StringVar(&f.scenario, "scenario", "", "build the organization of this file instead of a generated one (docs/sim.md)")
	fl.IntVar(&f.accounts, "accounts", 5, "number of accounts to generate, 3 to 1000")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of what is generated, and of all identifiers")
	fl.DurationVar(&f.propagation, "propagation", 10*time.Second, "how long a change of identities takes to be in force, 0s to 1h")
	fl.DurationVar(&f.late, "late", 0, "how much later than they would be events are delivered and found, up to 24h")
	fl.BoolVar(&f.twice, "twice", false, "deliver events a second time")
	fl.BoolVar(&f.unnamed, "unnamed", false, "leave the source identity out of events of root sessions")
	fl.BoolVar(&f.operations, "operations", false, "list the operations that it has, and end")
	fl.StringVar(&f.output, "output", "text", "text or json")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	cli.CompleteFiles(c, "scenario", "json")
	return c
}

func (f *simFlags) run(ctx context.Context, s cli.Streams) error {
	switch {
	case f.output != "text" && f.output != "json":
		return cli.Usage("--output %s: want text or json; hint: rootkeep sim --help", f.output)
	case f.propagation < 0 || f.propagation > time.Hour:
		return cli.Usage("--propagation %s: want 0s to 1h; hint: rootkeep sim --help", f.propagation)
	case f.late < 0 || f.late > 24*time.Hour:
		return cli.Usage("--late %s: want 0s to 24h; hint: rootkeep sim --help", f.late)
	case f.operations:
		return f.list(s)
	}
	settings := simulate.Settings{Accounts: f.accounts, Seed: f.seed, Now: time.Now, Propagation: f.propagation, Late: f.late, Twice: f.twice, Unnamed: f.unnamed}
	if f.scenario != "" {
		file, err := os.Open(f.scenario)
		if err != nil {
			return cli.Usage("--scenario: %w", err)
		}
		defer file.Close()
		settings.Scenario = file
	}
	sim, err := simulate.New(settings)
	if err != nil {
		return cli.Usage("%w; hint: rootkeep sim --help", err)
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("%w; hint: --listen 127.0.0.1:0 takes a free port", err)
	}
	if err := f.announce(s, sim, listener.Addr()); err != nil {
		listener.Close()
		return err
	}
	return serve(ctx, listener, sim)
}

// serve answers until the context ends.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the simulated organization: %w", err)
	}
	return nil
}

// announce prints the endpoint and the credentials: as lines for a shell, or as one
// JSON object.
func (f *simFlags) announce(s cli.Streams, sim *simulate.Simulation, address net.Addr) error {
	endpoint := "http://" + address.String()
	if tcp, ok := address.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		fmt.Fprintf(s.Err, "rootkeep: %s is not a loopback address: whoever reaches it may do everything in the simulated organization\n", address)
	}
	if f.output == "json" {
		return json.NewEncoder(s.Out).Encode(struct {
			Schema         string                   `json:"schema"`
			Endpoint       string                   `json:"endpoint"`
			Administrators []simulate.Administrator `json:"administrators"`
		}{"rootkeep/sim/1", endpoint, sim.Administrators})
	}
	first := sim.Administrators[0]
	fmt.Fprintf(s.Out, "# %d simulated accounts at %s; stop with Ctrl-C\n", len(sim.Administrators), endpoint)
	for _, a := range sim.Administrators {
		fmt.Fprintf(s.Out, "# %s %s: user admin, AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n", a.Account, cli.Visible(a.Name), a.AccessKeyID, a.SecretAccessKey)
	}
	_, err := fmt.Fprintf(s.Out, "export AWS_ENDPOINT_URL=%s\nexport AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\nexport AWS_REGION=us-east-1\nexport AWS_DEFAULT_REGION=us-east-1\n",
		endpoint, first.AccessKeyID, first.SecretAccessKey)
	return err
}

// list prints the operations.
func (f *simFlags) list(s cli.Streams) error {
	operations, err := simulate.Operations()
	if err != nil {
		return err
	}
	if f.output == "json" {
		return json.NewEncoder(s.Out).Encode(struct {
			Schema     string               `json:"schema"`
			Operations []simulate.Operation `json:"operations"`
		}{"rootkeep/sim-operations/1", operations})
	}
	for _, o := range operations {
		if _, err := fmt.Fprintf(s.Out, "%s %s %s\n", o.Service, o.Name, o.Action); err != nil {
			return err
		}
	}
	return nil
}
