// A note for the journal, beside buttons of which each may be the answer.

/** Characters of the longest note. */
const LONGEST = 500;

/** A field for a note. Enter in it sends nothing: after the reason of one answer it shall not give the other. */
export function Note({ id, value, set }: { id: string; value: string; set: (note: string) => void }) {
  return (
    <>
      <label for={id} class="visually-hidden">Note</label>
      <input id={id} placeholder="Note (for the journal)" maxLength={LONGEST} value={value} onInput={(event) => set(event.currentTarget.value)}
        onKeyDown={(event) => { if (event.key === "Enter") event.preventDefault(); }} />
    </>
  );
}
