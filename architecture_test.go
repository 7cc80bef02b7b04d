package rootkeep_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/rootkeep/rootkeep"

// row is one line of the package table in ARCHITECTURE.md.
type row struct {
	layer int
	name  string // path below the module, "rootkeep" for the root
	may   []string
}

func readTable(t *testing.T) map[string]row {
	t.Helper()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]row{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 {
			continue
		}
		layer, err := strconv.Atoi(strings.TrimSpace(cells[1]))
		if err != nil {
			continue // head of the table
		}
		r := row{layer: layer, name: strings.Trim(cells[2], " `")}
		for name := range strings.SplitSeq(cells[4], ",") {
			if name = strings.Trim(name, " `"); name != "" {
				r.may = append(r.may, name)
			}
		}
		rows[r.name] = r
	}
	if len(rows) < 5 {
		t.Fatalf("ARCHITECTURE.md: %d rows in the package table, want the whole table", len(rows))
	}
	return rows
}

// rowOf finds the longest row that covers a package path ("" is the root).
func rowOf(rows map[string]row, pkg string) (row, bool) {
	if pkg == "" {
		r, ok := rows["rootkeep"]
		return r, ok
	}
	for p := pkg; p != "." && p != "/"; p = path.Dir(p) {
		if r, ok := rows[p]; ok {
			return r, true
		}
	}
	return row{}, false
}

type source struct {
	pkg, file string
	syntax    *ast.File
}

// sources parses every Go file that is part of the product; tests may import what they like.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && p != "." || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(filepath.Dir(p))
		if pkg == "." {
			pkg = ""
		}
		out = append(out, source{pkg, p, f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestImportsObeyTheTable(t *testing.T) {
	rows := readTable(t)
	seen := map[string]bool{}
	for _, src := range sources(t) {
		from, ok := rowOf(rows, src.pkg)
		if !ok {
			t.Errorf("%s: package %q has no row in ARCHITECTURE.md", src.file, src.pkg)
			continue
		}
		seen[from.name] = true
		for _, imp := range src.syntax.Imports {
			p, _ := strconv.Unquote(imp.Path.Value)
			if p != modulePath && !strings.HasPrefix(p, modulePath+"/") {
				if from.name == "rootkeep" && strings.Contains(strings.Split(p, "/")[0], ".") {
					t.Errorf("%s: the root package imports %s, want the standard library only", src.file, p)
				}
				continue
			}
			to, ok := rowOf(rows, strings.TrimPrefix(strings.TrimPrefix(p, modulePath), "/"))
			if !ok {
				t.Errorf("%s: imports %s, which has no row in ARCHITECTURE.md", src.file, p)
				continue
			}
			if to.name == from.name || slices.Contains(from.may, "everything") || slices.Contains(from.may, to.name) {
				continue
			}
			t.Errorf("%s: %s imports %s, its row allows %v", src.file, from.name, to.name, from.may)
		}
	}
	for name := range rows {
		if !seen[name] {
			t.Errorf("ARCHITECTURE.md: row %q has no code", name)
		}
	}
}

func TestTableNeverPointsUp(t *testing.T) {
	rows := readTable(t)
	for _, from := range rows {
		for _, name := range from.may {
			if name == "everything" {
				continue
			}
			to, ok := rows[name]
			if !ok {
				t.Errorf("row %s allows %q, which is no row", from.name, name)
				continue
			}
			if to.layer > from.layer {
				t.Errorf("row %s (layer %d) allows %s (layer %d): imports point down", from.name, from.layer, to.name, to.layer)
			}
		}
	}
}

// TestLowLayersArePure keeps clocks, files, sockets and the environment out of
// layers 0 to 2: their results depend on their arguments alone.
func TestLowLayersArePure(t *testing.T) {
	rows := readTable(t)
	forbidden := []string{"os", "os/exec", "os/signal", "net", "net/http", "database/sql", "path/filepath"}
	for _, src := range sources(t) {
		r, ok := rowOf(rows, src.pkg)
		if !ok || r.layer > 2 || strings.HasSuffix(src.pkg, "test") {
			continue
		}
		for _, imp := range src.syntax.Imports {
			if p, _ := strconv.Unquote(imp.Path.Value); slices.Contains(forbidden, p) {
				t.Errorf("%s: layer %d imports %s", src.file, r.layer, p)
			}
		}
		ast.Inspect(src.syntax, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "Tick", "NewTimer", "NewTicker"}, sel.Sel.Name) {
				t.Errorf("%s: layer %d reads the clock: time.%s", src.file, r.layer, sel.Sel.Name)
			}
			return true
		})
	}
}

// TestFewPlacesSpeakToAWS keeps what is asked of AWS in one place, a package with those
// below it, what is sent to it in another, which knows four services, what changes an
// account in a third, what is asked again and again in live sources, each of which knows
// one service, and what reads archives, which knows S3 and roles.
func TestFewPlacesSpeakToAWS(t *testing.T) {
	const in, write = "internal/awsread", "internal/awswrite"
	services := map[string][]string{
		"internal/awsout": {"securityhub", "s3", "sesv2", "sns"}, "internal/stream/live/lookup": {"cloudtrail"}, "internal/stream/live/object": {"s3"},
		"internal/stream/live/bucket": {"s3"}, "internal/stream/live/queue": {"sqs"}, "internal/stream/s3": {"s3", "sts"},
	}
	found := map[string]bool{}
	for _, src := range sources(t) {
		if strings.HasSuffix(src.pkg, "test") {
			continue // fills simulated accounts for tests
		}
		for _, imp := range src.syntax.Imports {
			p, _ := strconv.Unquote(imp.Path.Value)
			if !strings.HasPrefix(p, "github.com/aws/") {
				continue
			}
			found[src.pkg] = true
			known, few := services[src.pkg]
			if src.pkg != in && !strings.HasPrefix(src.pkg, in+"/") && src.pkg != write && !few {
				t.Errorf("%s: imports %s, which only %s, what is below it, %s and %v may", src.file, p, in, write, slices.Sorted(maps.Keys(services)))
			}
			if strings.HasSuffix(p, "/service/ec2") {
				t.Errorf("%s: imports %s, the largest of all clients", src.file, p)
			}
			if _, service, ok := strings.Cut(p, "/service/"); few && ok && !slices.Contains(known, strings.Split(service, "/")[0]) {
				t.Errorf("%s: imports %s, and speaks to %v alone", src.file, p, known)
			}
		}
	}
	for _, pkg := range append(slices.Sorted(maps.Keys(services)), in, write) {
		if !found[pkg] {
			t.Errorf("%s does not import AWS's SDK, and is listed as one that does", pkg)
		}
	}
}

// TestTheBrokerStaysOutside keeps NATS's server out of the program, which needs none, and
// its client in one place.
func TestTheBrokerStaysOutside(t *testing.T) {
	for _, src := range sources(t) {
		for _, imp := range src.syntax.Imports {
			p, _ := strconv.Unquote(imp.Path.Value)
			switch {
			case strings.HasPrefix(p, "github.com/nats-io/nats-server/") && src.pkg != "internal/stream/broker/brokertest":
				t.Errorf("%s: imports %s, which tests alone run", src.file, p)
			case strings.HasPrefix(p, "github.com/nats-io/nats.go") && !strings.HasPrefix(src.pkg, "internal/stream/"):
				t.Errorf("%s: imports %s, which internal/stream alone may", src.file, p)
			case strings.HasSuffix(p, "/brokertest") && src.pkg != "tools/watchbench":
				t.Errorf("%s: imports %s, which is for tests and what measures", src.file, p)
			}
		}
	}
}

// TestOnlyAppChangesAccounts keeps what changes an account out of the reach of whatever
// shows, plans or reports.
func TestOnlyAppChangesAccounts(t *testing.T) {
	const write, app = "internal/awswrite", "internal/app"
	for _, src := range sources(t) {
		for _, imp := range src.syntax.Imports {
			p, _ := strconv.Unquote(imp.Path.Value)
			if p != modulePath+"/"+write && !strings.HasPrefix(p, modulePath+"/"+write+"/") {
				continue
			}
			if src.pkg != app && !strings.HasPrefix(src.pkg, app+"/") {
				t.Errorf("%s: imports %s, which only %s may", src.file, p, app)
			}
		}
	}
}

// TestStyleLimits holds the limits of the house style: functions of at most 60
// lines, files of at most 450, packages of at most 2,500.
func TestStyleLimits(t *testing.T) {
	packages := map[string]int{}
	defer func() {
		for pkg, n := range packages {
			if n > 2500 {
				t.Errorf("package %s: %d lines, want at most 2,500", pkg, n)
			}
		}
	}()
	for _, src := range sources(t) {
		text, err := os.ReadFile(src.file)
		if err != nil {
			t.Fatal(err)
		}
		n := strings.Count(string(text), "\n")
		if templ, found := strings.CutSuffix(src.file, "_templ.go"); found {
			n = lines(t, templ+".templ") // what people write; the Go beside it is generated
		}
		if packages[src.pkg] += n; n > 450 {
			t.Errorf("%s: %d lines, want at most 450", src.file, n)
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, src.file, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if ast.IsGenerated(f) {
			continue // nobody reads its functions: its source is what counts
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > 60 {
				t.Errorf("%s: %s has %d lines, want at most 60", src.file, fn.Name.Name, n)
			}
		}
	}
}

func lines(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), "\n")
}
