import { JSON_BODY, type TetherServer } from './request';

/** A group of conversations that its owner has named. */
export interface IProject {
  id: string;
  name: string;
  deleted_at: string | null;
}

export async function listProjects(server: TetherServer): Promise<IProject[]> {
  return (await server.json<{ projects: IProject[] }>('projects')).projects;
}

export async function createProject(server: TetherServer, name: string): Promise<IProject> {
  return server.json('projects', {
    method: 'POST',
    headers: JSON_BODY,
    body: JSON.stringify({ name })
  });
}

/** Rename a project, delete it, or restore it. Its conversations stay, and come back with it. */
export async function changeProject(
  server: TetherServer,
  id: string,
  change: { name?: string; deleted?: boolean }
): Promise<IProject> {
  return server.json(`projects/${encodeURIComponent(id)}`, {
    method: 'PATCH',
    headers: JSON_BODY,
    body: JSON.stringify(change)
  });
}
