import type { IProject } from '../server/projects';
import type { IThread } from '../server/threads';
import { age } from './when';

/** A heading and what stands under it. */
export interface IGroup {
  key: string;
  label: string;
  threads: IThread[];
  /** The project that the heading names. */
  project: IProject | null;
}

export type Order = 'time' | 'project';

const AGES = ['Today', 'Yesterday', 'Last 7 days', 'Older'];

/** What can be seen of all conversations, the newest first: not the empty ones that nobody has named. */
export function worthListing(threads: Iterable<IThread>): IThread[] {
  const found = [...threads].filter(each => each.message_count || each.title);
  return found.sort((a, b) => (moment(b) < moment(a) ? -1 : moment(b) > moment(a) ? 1 : 0));
}

/** Pinned, then those of the notebook in front, then by the day on which something was last said. */
export function byTime(threads: IThread[], notebook: string | null, now: Date): IGroup[] {
  const groups = ['Pinned', 'This notebook', ...AGES].map(label => ({
    key: label,
    label,
    threads: [] as IThread[],
    project: null
  }));
  for (const each of threads) {
    const here = notebook !== null && each.notebook === notebook;
    const at = each.pinned ? 0 : here ? 1 : 2 + age(each.last_message_at, now);
    groups[at].threads.push(each);
  }
  return groups.filter(group => group.threads.length);
}

/** A group for each project, empty ones too, and one for what is in none. */
export function byProject(threads: IThread[], projects: IProject[]): IGroup[] {
  const groups: IGroup[] = projects.map(project => ({
    key: project.id,
    label: project.name,
    threads: [],
    project
  }));
  const none: IGroup = { key: 'none', label: 'In no project', threads: [], project: null };
  const known = new Map(groups.map(group => [group.key, group]));
  for (const each of threads) {
    // The project may have been deleted; its conversations stay.
    (known.get(each.project_id ?? '') ?? none).threads.push(each);
  }
  return none.threads.length ? [...groups, none] : groups;
}

/** What a conversation is called. */
export function nameOf(thread: { title: string | null; message_count?: number }): string {
  return thread.title || (thread.message_count ? 'Without a title' : 'New conversation');
}

function moment(thread: IThread): string {
  return thread.last_message_at ?? thread.created_at ?? '';
}
