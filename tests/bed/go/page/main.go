// Bundles the dashboard's page: `page WEB` writes WEB/dist, `page --check WEB` compares it with what it would write.
// esbuild is a library here, so that the page needs no bundler's binary from a package of npm.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Bytes of the page with all that it loads, compressed, at most.
const largest = 100 << 10

func main() {
	arguments := os.Args[1:]
	check := len(arguments) > 0 && arguments[0] == "--check"
	if check {
		arguments = arguments[1:]
	}
	if len(arguments) != 1 {
		fail("usage: page [--check] WEB: the folder with src/ and node_modules/ is missing")
	}
	web := arguments[0]
	files, err := bundle(web)
	if err != nil {
		fail("%v", err)
	}
	if err := measure(files); err != nil {
		fail("%v", err)
	}
	dist := filepath.Join(web, "dist")
	if check {
		err = compare(dist, files)
	} else {
		err = write(dist, files)
	}
	if err != nil {
		fail("%v", err)
	}
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "page: "+format+"\n", arguments...)
	os.Exit(1)
}

// Returns the files of dist by name. Those with a hash in their names never change.
func bundle(web string) (map[string][]byte, error) {
	src := filepath.Join(web, "src")
	absolute, err := filepath.Abs(web)
	if err != nil {
		return nil, err
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir:     absolute,
		EntryPoints:       []string{"src/main.tsx", "src/style/all.css"},
		EntryNames:        "[name]",
		Outdir:            "dist",
		Bundle:            true,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		JSX:               api.JSXAutomatic,
		JSXImportSource:   "preact",
		LegalComments:     api.LegalCommentsNone,
		Define:            map[string]string{"process.env.NODE_ENV": `"production"`},
		Charset:           api.CharsetUTF8,
	})
	if len(result.Errors) > 0 {
		lines := api.FormatMessages(result.Errors, api.FormatMessagesOptions{})
		return nil, fmt.Errorf("%s", strings.Join(lines, "\n"))
	}
	index, err := os.ReadFile(filepath.Join(src, "index.html"))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, out := range result.OutputFiles {
		base := filepath.Base(out.Path)
		name := hashed(base, out.Contents)
		files[name] = out.Contents
		if !bytes.Contains(index, []byte("/"+base+`"`)) {
			return nil, fmt.Errorf("src/index.html does not load /%s", base)
		}
		index = bytes.ReplaceAll(index, []byte("/"+base+`"`), []byte("/assets/"+name+`"`))
	}
	files["index.html"] = index
	return files, nil
}

func hashed(base string, contents []byte) string {
	sum := sha256.Sum256(contents)
	extension := filepath.Ext(base)
	return strings.TrimSuffix(base, extension) + "-" + hex.EncodeToString(sum[:5]) + extension
}

func packed(contents []byte) []byte {
	var packed bytes.Buffer
	writer, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	_, _ = writer.Write(contents)
	_ = writer.Close()
	return packed.Bytes()
}

func measure(files map[string][]byte) error {
	total := 0
	for _, name := range names(files) {
		size := len(packed(files[name]))
		total += size
		fmt.Printf("%-24s %7d bytes, %6d compressed\n", name, len(files[name]), size)
	}
	if total > largest {
		return fmt.Errorf("the page has %d bytes compressed; at most %d are allowed", total, largest)
	}
	return nil
}

func names(files map[string][]byte) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func write(dist string, files map[string][]byte) error {
	if err := os.RemoveAll(dist); err != nil {
		return err
	}
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return err
	}
	for name, contents := range files {
		if err := os.WriteFile(filepath.Join(dist, name), contents, 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dist, name+".gz"), packed(contents), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Compares what was committed with what the sources give. Compressed files are compared by what they hold: another
// version of Go may compress otherwise.
func compare(dist string, files map[string][]byte) error {
	entries, err := os.ReadDir(dist)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if _, ok := files[strings.TrimSuffix(entry.Name(), ".gz")]; !ok {
			return fmt.Errorf("%s is of other sources: %s", entry.Name(), remedy)
		}
	}
	for _, name := range names(files) {
		plain, err := os.ReadFile(filepath.Join(dist, name))
		if err != nil || !bytes.Equal(plain, files[name]) {
			return fmt.Errorf("%s differs from what the sources give: %s", name, remedy)
		}
		compressed, err := unpacked(filepath.Join(dist, name+".gz"))
		if err != nil || !bytes.Equal(compressed, plain) {
			return fmt.Errorf("%s.gz holds something else than %s: %s", name, name, remedy)
		}
	}
	return nil
}

const remedy = "run `cargo run -p windlass-bed -- page` and commit daemon/dashboard/web/dist"

func unpacked(file string) ([]byte, error) {
	compressed, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(reader)
}
