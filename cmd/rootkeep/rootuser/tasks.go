package rootuser

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app/roottask"
)

// taskFlags are shared by the commands of tasks.
type taskFlags struct {
	content string
	output  string
	holder  string
}

func tasksCommand(s cli.Streams) *cobra.Command {
	var f taskFlags
	c := &cobra.Command{
		Use:   "tasks",
		Short: "What people ask root for, and the way without it",
		Long: `Tasks lists and shows what people ask root for: what needs it today, what does not need
it any more, and what it is never used for. --content DIR adds the files
DIR/roottasks/*.yaml, with the checklists of DIR/checklists. Nothing is asked of AWS.`,
		Example: "  rootkeep root tasks list --need root\n  rootkeep root tasks show unlock-bucket --holder member",
	}
	c.PersistentFlags().StringVar(&f.content, "content", "", "folder with your own tasks in roottasks/*.yaml")
	_ = c.MarkPersistentFlagDirname("content") // fails only for a flag that is not defined
	c.AddCommand(listCommand(s, &f), showCommand(s, &f))
	return c
}

func (f *taskFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.output, "output", "text", "text or json")
	c.Flags().StringVar(&f.holder, "holder", "", "whose root user: "+words(access.Holders()))
	cli.CompleteValues(c, "output", []string{"text", "json"})
	cli.CompleteValues(c, "holder", texts(access.Holders()))
}

// load reads the tasks. Files that cannot be used are named on standard error and end a
// command that did its work with 5.
func (f *taskFlags) load(s cli.Streams) (*roottask.Catalogue, []int, error) {
	if err := cli.OutputIs(f.output); err != nil {
		return nil, nil, err
	}
	if f.holder != "" && !slices.Contains(access.Holders(), access.Holder(f.holder)) {
		return nil, nil, cli.Usage("--holder %s: want one of %s", f.holder, words(access.Holders()))
	}
	c, err := roottask.Load(f.own()...)
	if err != nil {
		return nil, nil, cli.Usage("%w", err)
	}
	return c, cli.Unread(s, c.Problems), nil
}

// own are the folders that were given.
func (f *taskFlags) own() []string {
	if f.content == "" {
		return nil
	}
	return []string{f.content}
}

// holders are those that were asked for.
func (f *taskFlags) holders() []access.Holder {
	if f.holder != "" {
		return []access.Holder{access.Holder(f.holder)}
	}
	return access.Holders()
}

// taskLine is a task in a list.
type taskLine struct {
	ID    string                   `json:"id"`
	Need  access.Need              `json:"need"`
	Title string                   `json:"title"`
	Ways  map[access.Holder]string `json:"ways"` // path, or what else it comes to
}

func listCommand(s cli.Streams, f *taskFlags) *cobra.Command {
	var need string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the tasks",
		Long: `List names each task and what it comes to for the root user of a member of an
organization, of its management account, and of an account in no organization: the way
in which root is used (sign-in, with the credential that a custodian keeps; recovery, a
sign-in for which a member's credential is made and deleted again; assumed, a session of
sts:AssumeRoot for a planned change), - where root is not needed, and never.`,
		Example: "  rootkeep root tasks list\n  rootkeep root tasks list --need not-root --output json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if need != "" && !slices.Contains(access.Needs(), access.Need(need)) {
				return cli.Usage("--need %s: want one of %s", need, words(access.Needs()))
			}
			tasks, codes, err := f.load(s)
			if err != nil {
				return err
			}
			lines := []taskLine{}
			for _, t := range tasks.Tasks {
				if need == "" || t.Need == access.Need(need) {
					lines = append(lines, f.line(t))
				}
			}
			return cmp.Or(f.writeList(s, lines, codes), cli.ExitWith(codes))
		},
	}
	f.register(c)
	c.Flags().StringVar(&need, "need", "", "only those: "+words(access.Needs()))
	cli.CompleteValues(c, "need", texts(access.Needs()))
	return c
}

func (f *taskFlags) line(t *access.Task) taskLine {
	l := taskLine{t.ID, t.Need, t.Title, map[access.Holder]string{}}
	for _, h := range f.holders() {
		l.Ways[h] = short(t.Advise(h))
	}
	return l
}

// short is what a task comes to, in a word.
func short(a access.Advice) string {
	switch {
	case a.Refused:
		return "never"
	case a.Needs == nil:
		return "-"
	case a.Needs.Recovery:
		return "recovery"
	}
	return string(a.Needs.Path)
}

func (f *taskFlags) writeList(s cli.Streams, lines []taskLine, codes []int) error {
	if f.output == "json" {
		return cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/root-tasks/1", "tasks": lines, "exit_codes": codes})
	}
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	head := "TASK"
	for _, h := range f.holders() {
		head += "\t" + strings.ToUpper(string(h))
	}
	fmt.Fprintln(w, head+"\tTITLE")
	for _, l := range lines {
		row := cli.Visible(l.ID)
		for _, h := range f.holders() {
			row += "\t" + l.Ways[h]
		}
		fmt.Fprintf(w, "%s\t%s\n", row, cli.Visible(l.Title))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.Out, "%d tasks\n", len(lines))
	return err
}

// completeIDs offers the IDs of tasks with their titles.
func (f *taskFlags) completeIDs(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	c, err := roottask.Load(f.own()...)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, t := range c.Tasks {
		if strings.HasPrefix(t.ID, start) {
			out = append(out, t.ID+"\t"+cli.Visible(t.Title))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// texts are values as plain texts.
func texts[T ~string](list []T) []string {
	var out []string
	for _, v := range list {
		out = append(out, string(v))
	}
	return out
}

func words[T ~string](list []T) string { return strings.Join(texts(list), ", ") }

// span is a time as a person says it: 15 minutes, 24 hours.
func span(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d hours", int(d/time.Hour))
	}
	return fmt.Sprintf("%d minutes", int(d/time.Minute))
}
